"""Fields of Volume: the article."""

from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, batch_field
from gateway.schema.loaders import load_articles
from services.contracts.orders.articles import Article
from services.contracts.stats import Volume


@batch_field(needs=["article_id"])
async def article(volumes: list[Volume], info: Info) -> list[Article | None]:
    """The article, with today's name and price."""
    return await load_articles(info.context, [volume.article_id for volume in volumes])


extend_type(Volume, article)
