//! The part of Kierto's schema that the pages select.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use serde::Deserialize;

use crate::services::{Caller, Page, Services};

#[derive(Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fraction {
    Residual,
    Biowaste,
    Cardboard,
    Paper,
    Plastic,
    Glass,
    Metal,
    Wood,
    Electrical,
    Hazardous,
    Construction,
    Bulky,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PropertyType {
    House,
    Leisure,
    HousingCompany,
    Business,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PickupState {
    Planned,
    Arrived,
    Emptied,
    Failed,
}

#[derive(SimpleObject, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    street: String,
    postal_code: String,
    city: String,
}

#[derive(SimpleObject, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    name: String,
    phone: Option<String>,
    email: Option<String>,
}

#[derive(SimpleObject, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    id: String,
    container_number: String,
    fraction: Fraction,
    litres: i32,
    count: i32,
    version: i32,
}

#[derive(SimpleObject, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    minor: i64,
    currency: String,
    vat_rate: i32,
}

#[derive(SimpleObject, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Article {
    id: String,
    article_number: String,
    name: String,
    fraction: Fraction,
    waste_code: String,
    unit: String,
    price: Option<Money>,
}

#[derive(SimpleObject, Deserialize)]
pub struct Holiday {
    date: String,
    name: String,
}

#[derive(SimpleObject, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pickup {
    id: String,
    site_id: String,
    agreement_id: String,
    order_id: Option<String>,
    article: Article,
    date: String,
    tolerance_days: i32,
    original_date: Option<String>,
    moved_by: Option<Holiday>,
    state: PickupState,
    done_at: Option<String>,
    grams: Option<i64>,
    failure: Option<String>,
}

#[derive(SimpleObject, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    id: String,
    organisation_id: String,
    site_number: String,
    address: Address,
    municipality: String,
    area: String,
    property_type: PropertyType,
    dwellings: i32,
    billed_to: String,
    contact_person: Option<Person>,
    version: i32,
    #[serde(default)]
    containers: Vec<Container>,
    #[serde(skip)]
    next_pickup: Option<Pickup>,
    #[serde(skip)]
    open_order_count: Option<i32>,
}

#[derive(SimpleObject, Deserialize)]
pub struct SiteEdge {
    cursor: String,
    node: Site,
}

#[derive(SimpleObject, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    has_next_page: bool,
    has_previous_page: bool,
    start_cursor: Option<String>,
    end_cursor: Option<String>,
}

#[derive(SimpleObject, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteConnection {
    edges: Vec<SiteEdge>,
    page_info: PageInfo,
    total_count: i32,
}

pub struct Query;

#[Object]
impl Query {
    async fn sites(
        &self,
        context: &Context<'_>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<Option<SiteConnection>> {
        let services = context.data::<Services>()?;
        let caller = context.data::<Caller>()?;
        let node = context.look_ahead().field("edges").field("node");
        let fields: &[&str] = if node.field("containers").exists() { &["containers"] } else { &[] };
        let mut page = services.sites(caller, Page { first, after }, fields).await?;
        if node.field("nextPickup").exists() || node.field("openOrderCount").exists() {
            let ids: Vec<&str> = page.edges.iter().map(|edge| edge.node.id.as_str()).collect();
            let ((_, pickups), (_, counts)) = services.joined(caller, &ids).await?;
            for ((edge, pickup), count) in page.edges.iter_mut().zip(pickups).zip(counts) {
                edge.node.next_pickup = pickup;
                edge.node.open_order_count = Some(count);
            }
        }
        Ok(Some(page))
    }
}
