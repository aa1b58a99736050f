-- Sites, their containers, and the copy of organisations that imports refer to. A customer number is not unique in the
-- copy: while it moves from one organisation to another, both may have it here for a moment.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE organisations (
    id              uuid PRIMARY KEY,
    customer_number text NOT NULL,
    version         bigint NOT NULL,
    doubted         boolean NOT NULL DEFAULT false
);
CREATE INDEX organisations_by_customer_number ON organisations (customer_number);

-- sort_address, sort_city: made by chassis.sorting; search: what people type parts of.
CREATE TABLE sites (
    id              uuid PRIMARY KEY,
    site_number     text NOT NULL UNIQUE,
    organisation_id uuid NOT NULL,
    street          text NOT NULL,
    postal_code     text NOT NULL,
    city            text NOT NULL,
    municipality    text NOT NULL,
    area            text NOT NULL,
    property_type   text NOT NULL,
    dwellings       integer NOT NULL,
    billed_to       text NOT NULL,
    contact_name    text,
    contact_phone   text,
    contact_email   text,
    version         bigint NOT NULL,
    sort_address    text COLLATE "C" NOT NULL,
    sort_city       text COLLATE "C" NOT NULL,
    search          text NOT NULL
);
CREATE INDEX sites_by_address ON sites (organisation_id, sort_address, id);
CREATE INDEX sites_search ON sites USING gin (search gin_trgm_ops);

CREATE TABLE containers (
    id               uuid PRIMARY KEY,
    container_number text NOT NULL UNIQUE,
    site_id          uuid NOT NULL REFERENCES sites,
    organisation_id  uuid NOT NULL,
    fraction         text NOT NULL,
    litres           integer NOT NULL,
    count            integer NOT NULL,
    version          bigint NOT NULL
);
CREATE INDEX containers_of_site ON containers (site_id, container_number);
