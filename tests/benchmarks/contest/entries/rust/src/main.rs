//! async-graphql on hyper, one thread. The join is prefetched: the field `sites` reads the selection below it and calls
//! orders once for the whole page.

mod schema;
mod services;

use std::{convert::Infallible, env, error::Error, sync::Arc};

use async_graphql::{EmptyMutation, EmptySubscription, Schema};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use schema::Query;
use services::{Caller, Services};

type Graph = Schema<Query, EmptyMutation, EmptySubscription>;
type Failure = Box<dyn Error + Send + Sync>;

async fn answer(graph: &Graph, request: Request<Incoming>) -> Result<Vec<u8>, Failure> {
    let caller = Caller(request.headers().get(AUTHORIZATION).cloned());
    let body = request.into_body().collect().await?.to_bytes();
    let operation: async_graphql::Request = serde_json::from_slice(&body)?;
    Ok(serde_json::to_vec(&graph.execute(operation.data(caller)).await)?)
}

async fn respond(graph: Arc<Graph>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match answer(&graph, request).await {
        Ok(body) => (200, body),
        Err(failure) => (400, failure.to_string().into_bytes()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status.try_into().expect("a status");
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn serve() -> Result<(), Failure> {
    let services = Services::new(env::var("KIERTO_SITES_URL")?, env::var("KIERTO_ORDERS_URL")?);
    let graph = Arc::new(Schema::build(Query, EmptyMutation, EmptySubscription).data(services).finish());
    let door = TcpListener::bind(env::var("KIERTO_LISTEN")?).await?;
    loop {
        let (socket, _) = door.accept().await?;
        socket.set_nodelay(true)?;
        let graph = graph.clone();
        let service = service_fn(move |request| respond(graph.clone(), request));
        tokio::task::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

fn main() -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}
