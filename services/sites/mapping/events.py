"""Sites and containers as events."""

from services.chassis.ids import write_id
from services.contracts.sites import ContainerStated, SiteStated
from services.sites.domain.site import ContainerRecord, SiteRecord


def site_stated_event(site: SiteRecord) -> SiteStated:
    """Return the event of a site, without address, names and contacts."""
    return SiteStated(
        site_id=write_id("site", site.id),
        organisation_id=write_id("org", site.facts.organisation_id),
        site_number=site.facts.site_number,
        municipality=site.facts.municipality,
        area=site.facts.area,
        property_type=site.facts.property_type,
        dwellings=site.facts.dwellings,
        version=site.version,
    )


def container_stated_event(container: ContainerRecord) -> ContainerStated:
    """Return the event of a container."""
    return ContainerStated(
        container_id=write_id("container", container.id),
        container_number=container.facts.container_number,
        site_id=write_id("site", container.facts.site_id),
        organisation_id=write_id("org", container.organisation_id),
        fraction=container.facts.fraction,
        litres=container.facts.litres,
        count=container.facts.count,
        version=container.version,
    )
