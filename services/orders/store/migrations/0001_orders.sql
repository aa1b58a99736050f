-- Agreements, orders and pickups, the data that they follow, and the copy of sites that they are about.

-- The copy of sites. version 0 is a placeholder: a container came before its site, or a rebuild found that the owner
-- does not know what something here refers to. What the copy says is the owner's business, so numbers are not unique.
CREATE TABLE sites (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    site_number     text,
    municipality    text NOT NULL,
    area            text NOT NULL,
    property_type   text NOT NULL,
    version         bigint NOT NULL,
    doubted         boolean NOT NULL DEFAULT false
);
CREATE INDEX sites_by_number ON sites (site_number);

CREATE TABLE containers (
    id               uuid PRIMARY KEY,
    container_number text NOT NULL,
    site_id          uuid NOT NULL REFERENCES sites,
    organisation_id  uuid NOT NULL,
    fraction         text NOT NULL,
    litres           integer NOT NULL,
    count            integer NOT NULL,
    version          bigint NOT NULL,
    doubted          boolean NOT NULL DEFAULT false
);
CREATE INDEX containers_by_number ON containers (container_number);

-- An article is its number; how it is described and what it costs has validity dates, both inclusive.
CREATE TABLE articles (
    id             uuid PRIMARY KEY,
    article_number text NOT NULL UNIQUE
);
CREATE TABLE article_prices (
    article_number text NOT NULL REFERENCES articles (article_number),
    valid_from     date NOT NULL,
    valid_until    date,
    name_fi        text NOT NULL,
    name_sv        text NOT NULL,
    name_nb        text NOT NULL,
    name_en        text NOT NULL,
    fraction       text NOT NULL,
    waste_code     text NOT NULL,
    unit           text NOT NULL,
    net_minor      bigint NOT NULL,
    vat_rate       integer NOT NULL,
    currency       text NOT NULL,
    PRIMARY KEY (article_number, valid_from)
);

CREATE TABLE routes (
    route_number  text PRIMARY KEY,
    area          text NOT NULL,
    fraction      text NOT NULL,
    weekdays      text NOT NULL,
    week_interval integer NOT NULL,
    first_week    date NOT NULL,
    valid_from    date NOT NULL,
    valid_until   date
);

CREATE TABLE holidays (
    country  text NOT NULL,
    date     date NOT NULL,
    name_fi  text NOT NULL,
    name_sv  text NOT NULL,
    name_nb  text NOT NULL,
    name_en  text NOT NULL,
    moves_to date NOT NULL,
    PRIMARY KEY (country, date)
);

CREATE TABLE rules (
    rule_number  text PRIMARY KEY,
    municipality text NOT NULL,
    fraction     text,
    kind         text NOT NULL,
    value        text NOT NULL,
    citation     text NOT NULL,
    valid_from   date NOT NULL,
    valid_until  date
);
CREATE INDEX rules_of_municipality ON rules (municipality, kind);

-- The row's lock is that of the agreement's pickups and orders, too.
CREATE TABLE agreements (
    id               uuid PRIMARY KEY,
    agreement_number text COLLATE "C" NOT NULL UNIQUE,
    site_id          uuid NOT NULL REFERENCES sites,
    container_id     uuid NOT NULL REFERENCES containers,
    article_id       uuid NOT NULL REFERENCES articles,
    route_number     text NOT NULL REFERENCES routes,
    fraction         text NOT NULL,
    litres           integer NOT NULL,
    count            integer NOT NULL,
    interval_weeks   integer NOT NULL,
    ordered_on       date NOT NULL,
    first_pickup     date NOT NULL,
    ended_on         date,
    version          bigint NOT NULL
);
CREATE INDEX agreements_of_site ON agreements (site_id, agreement_number);

-- timeline: every step, as the contract's Step. organisation_id: whose the site was when the order was placed.
CREATE TABLE orders (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL,
    state           text NOT NULL,
    organisation_id uuid NOT NULL,
    site_id         uuid NOT NULL REFERENCES sites,
    agreement_id    uuid NOT NULL REFERENCES agreements,
    article_id      uuid NOT NULL REFERENCES articles,
    fraction        text NOT NULL,
    date            date NOT NULL,
    price           jsonb,
    placed_at       timestamptz NOT NULL,
    timeline        jsonb NOT NULL,
    version         bigint NOT NULL
);
CREATE UNIQUE INDEX one_order_a_day ON orders (agreement_id, date) WHERE state NOT IN ('REJECTED', 'CANCELLED');
CREATE INDEX orders_newest ON orders (placed_at DESC, id DESC);
CREATE INDEX orders_of_organisation ON orders (organisation_id, placed_at DESC, id DESC);
CREATE INDEX orders_of_site ON orders (site_id, placed_at DESC, id DESC);

-- What was recorded. A planned pickup has no row: its id follows from its agreement and day, or from its order.
-- organisation_id, site_id, article_id, fraction: whose it was and what was emptied when it was recorded last.
CREATE TABLE pickups (
    id              uuid PRIMARY KEY,
    agreement_id    uuid NOT NULL REFERENCES agreements,
    order_id        uuid REFERENCES orders,
    date            date NOT NULL,
    planned_on      date NOT NULL,
    state           text NOT NULL,
    done_at         timestamptz,
    grams           bigint,
    failure         text,
    version         bigint NOT NULL,
    organisation_id uuid NOT NULL,
    site_id         uuid NOT NULL,
    article_id      uuid NOT NULL REFERENCES articles,
    fraction        text NOT NULL
);
CREATE INDEX pickups_by_date ON pickups (agreement_id, date);
CREATE INDEX pickups_by_plan ON pickups (agreement_id, planned_on);

-- Every report that was taken in; a pickup is what its reports come to.
CREATE TABLE reports (
    reporter    text NOT NULL,
    report_id   text NOT NULL,
    pickup_id   uuid NOT NULL,
    kind        text NOT NULL,
    at          timestamptz NOT NULL,
    grams       bigint,
    reason      text,
    digest      bytea NOT NULL,
    PRIMARY KEY (reporter, report_id)
);
CREATE INDEX reports_of_pickup ON reports (pickup_id);
