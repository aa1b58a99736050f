CREATE TABLE tally (
    place  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    thing  text NOT NULL,
    number integer NOT NULL
);
CREATE TABLE things (
    id      text PRIMARY KEY,
    version bigint NOT NULL
);
