"""All services of the permission walk, for other tests of every operation."""

from tests.component.permission import test_identity, test_orders, test_sites, test_stats, test_support

WALKED_SERVICES = {
    one.WALKED.blueprint.name: one.WALKED for one in (test_identity, test_sites, test_orders, test_stats, test_support)
}
"""The services by name."""
