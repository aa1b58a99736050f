-- Pickups as facts, the volumes made from them, invoices, and the copy of organisations that imports refer to.

-- customer_number is not unique here: a number may pass from one organisation to another, and the events of two
-- organisations come in any order.
CREATE TABLE organisations (
    id              uuid PRIMARY KEY,
    customer_number text NOT NULL,
    version         bigint NOT NULL,
    doubted         boolean NOT NULL DEFAULT false
);
CREATE INDEX organisations_by_customer_number ON organisations (customer_number);

-- The newest version of every pickup that was heard of (T10). counted_on: the local day on which it is in the volumes;
-- NULL: it is not.
CREATE TABLE pickups (
    id              uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    site_id         uuid NOT NULL,
    agreement_id    uuid NOT NULL,
    order_id        uuid,
    article_id      uuid NOT NULL,
    fraction        text NOT NULL,
    date            date NOT NULL,
    state           text NOT NULL,
    done_at         timestamptz,
    grams           bigint,
    version         bigint NOT NULL,
    counted_on      date,
    doubted         boolean NOT NULL DEFAULT false
);

-- The sum of pickups by place, kept in the transactions that keep the facts. A place whose pickups were all taken out
-- again stays with zeros until the volumes are counted anew.
CREATE TABLE volumes (
    organisation_id uuid NOT NULL,
    day             date NOT NULL,
    site_id         uuid NOT NULL,
    article_id      uuid NOT NULL,
    fraction        text NOT NULL,
    grams           bigint NOT NULL,
    pickups         bigint NOT NULL,
    PRIMARY KEY (organisation_id, day, site_id, article_id, fraction)
);
CREATE INDEX volumes_of_site ON volumes (site_id, day);

-- net_minor: net of VAT, minor units of the currency (ISO 4217); vat_rate: tenths of a per cent.
CREATE TABLE invoices (
    id              uuid PRIMARY KEY,
    invoice_number  text NOT NULL UNIQUE,
    organisation_id uuid NOT NULL,
    customer_number text NOT NULL,
    invoice_date    date NOT NULL,
    due_date        date NOT NULL,
    period          text NOT NULL,
    net_minor       bigint NOT NULL,
    vat_rate        integer NOT NULL,
    currency        text NOT NULL,
    version         bigint NOT NULL
);
CREATE INDEX invoices_of_organisation ON invoices (organisation_id, invoice_date);
