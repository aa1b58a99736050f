//! The two services, over keep-alive connections.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::{Serialize, de::DeserializeOwned};

use crate::Failure;
use crate::schema::{Pickup, SiteConnection};

/// The caller's `Authorization`, which is passed on.
pub struct Caller(pub Option<HeaderValue>);

pub struct Services {
    client: Client<HttpConnector, Full<Bytes>>,
    sites_url: String,
    orders_url: String,
}

#[derive(Serialize)]
pub struct Page {
    pub first: i32,
    pub after: Option<String>,
}

#[derive(Serialize)]
struct SitesArguments<'a> {
    page: Page,
    fields: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfSites<'a> {
    site_ids: &'a [&'a str],
}

type Joined = ((u16, Vec<Option<Pickup>>), (u16, Vec<i32>));

impl Services {
    pub fn new(sites_url: String, orders_url: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, sites_url: sites_url + "/rpc/sites", orders_url: orders_url + "/rpc" }
    }

    pub async fn sites(&self, caller: &Caller, page: Page, fields: &[&str]) -> Result<SiteConnection, Failure> {
        self.post(&self.sites_url, caller, &SitesArguments { page, fields }).await
    }

    /// The next pickup and the number of open orders of each site, in one batch.
    pub async fn joined(&self, caller: &Caller, site_ids: &[&str]) -> Result<Joined, Failure> {
        let of_sites = OfSites { site_ids };
        self.post(&self.orders_url, caller, &(("nextPickups", &of_sites), ("openOrderCounts", &of_sites))).await
    }

    async fn post<T: DeserializeOwned>(&self, url: &str, caller: &Caller, body: &impl Serialize) -> Result<T, Failure> {
        let mut request = Request::new(Full::new(Bytes::from(serde_json::to_vec(body)?)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.parse()?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &caller.0 {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let answer = self.client.request(request).await?;
        if answer.status() != 200 {
            return Err(format!("{url} answered {}", answer.status()).into());
        }
        Ok(serde_json::from_slice(&answer.into_body().collect().await?.to_bytes())?)
    }
}
