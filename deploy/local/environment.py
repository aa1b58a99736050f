"""Settings of each process: its own, and none of another's."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.local.paths import Home
from deploy.local.ports import Ports
from deploy.local.secrets import SERVICES, Secrets

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class StackEnvironment:
    """Environment variables of the stack's processes, made from its ports and secrets.

    The caller's settings (`KIERTO_...`) win: so a real server replaces an embedded one, and a setting is tried out.
    `KIERTO_<SERVICE>_...` reaches that service's processes only.
    """

    home: Home
    ports: Ports
    secrets: Secrets
    caller: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def database_url(self, service: str) -> str:
        """Return the URL of a service's database with the role of its processes."""
        own = self._embedded_url(service, f"kierto_{service}_runtime", self.secrets.runtime_passwords[service])
        return self.caller.get(f"KIERTO_{service.upper()}_DATABASE_URL") or own

    def owner_database_url(self, service: str) -> str:
        """Return the URL with the owner's role; empty where the caller names a database, but not its owner."""
        named = self.caller.get(f"KIERTO_{service.upper()}_OWNER_DATABASE_URL", "")
        if named or self.caller.get(f"KIERTO_{service.upper()}_DATABASE_URL"):
            return named
        return self._embedded_url(service, f"kierto_{service}", self.secrets.database_passwords[service])

    def _embedded_url(self, service: str, role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@{self.ports.address('postgres')}/kierto_{service}"

    @property
    def kafka(self) -> str:
        return self.caller.get("KIERTO_KAFKA") or self.ports.address("kafka")

    @property
    def redis_url(self) -> str:
        return self.caller.get("KIERTO_REDIS_URL") or f"redis://{self.ports.address('valkey')}/0"

    @property
    def smtp(self) -> str:
        return self.caller.get("KIERTO_SMTP") or self.ports.address("smtp")

    def embeds(self, part: str) -> bool:
        """Tell whether this stack runs the part itself: `postgres`, `valkey`, `kafka` or `mailbox`."""
        named_by = {
            "postgres": [f"KIERTO_{service.upper()}_DATABASE_URL" for service in SERVICES],
            "valkey": ["KIERTO_REDIS_URL"],
            "kafka": ["KIERTO_KAFKA"],
            "mailbox": ["KIERTO_SMTP"],
        }[part]
        return not all(self.caller.get(name) for name in named_by)

    def of_service(self, service: str, role: str) -> dict[str, str]:
        """Return the variables of one role of a service.

        `migrate` gets no addresses to listen on. It alone gets the owner of the database.
        """
        owner_database = f"KIERTO_{service.upper()}_OWNER_DATABASE_URL"
        own = {f"KIERTO_{service.upper()}_DATABASE_URL": self.database_url(service)}
        if service == "identity":
            own |= {
                "KIERTO_IDENTITY_SIGNING_KEY_FILE": str(self.home.signing_key),
                "KIERTO_IDENTITY_PEPPER": self.secrets.pepper,
                "KIERTO_IDENTITY_SERVICE_SECRETS": json.dumps(self.secrets.client_secrets),
            }
        else:
            own["KIERTO_SERVICE_SECRET"] = self.secrets.client_secrets[service]
        if role != "migrate":
            own[f"KIERTO_{service.upper()}_KEY_RING_FILE"] = str(self.home.key_ring(service))
            own |= self._listening(f"{service}-{role}")
        if service == "support":
            own["KIERTO_SUPPORT_PUBLIC_URL"] = self.ports.url("gateway")
            if self.embeds("mailbox"):  # a real server passes no reports to this machine
                own["KIERTO_SUPPORT_BOUNCE_ADDRESS"] = "bounces@localhost"
                if role == "worker":
                    own["KIERTO_SUPPORT_BOUNCE_LISTEN"] = self.ports.address("support-bounces")
        if role in ("api", "jobs") or (service, role) == ("support", "worker"):
            own[f"KIERTO_{service.upper()}_FILES_KEY"] = self.secrets.files_keys[service]
        if role in ("api", "jobs"):
            own[f"KIERTO_{service.upper()}_FILES_URL"] = (self.home.files / service).absolute().as_uri()
            own |= self._set_by_caller("AWS_")
        environment = self._shared() | own | self._set_by_caller(f"KIERTO_{service.upper()}_")
        environment.pop(owner_database, None)
        return environment if role != "migrate" else environment | {owner_database: self.owner_database_url(service)}

    def of_gateway(self) -> dict[str, str]:
        own = {
            "KIERTO_SERVICE_SECRET": self.secrets.client_secrets["gateway"],
            **self._listening("gateway"),
        }
        return self._shared() | own | self._set_by_caller("KIERTO_GATEWAY_")

    def of_mailbox(self) -> dict[str, str]:
        return self._inherited() | {
            "KIERTO_LISTEN": self.ports.address("mailbox"),
            "KIERTO_SMTP": self.smtp,
            "KIERTO_MAILBOX_FILE": str(self.home.mailbox / "mail.sqlite"),
            "KIERTO_MAILBOX_BOUNCES": self.ports.address("support-bounces"),
        }

    def _shared(self) -> dict[str, str]:
        """Return the variables of every process of the gateway and the services."""
        urls = {f"KIERTO_{service.upper()}_URL": self.ports.url(f"{service}-api") for service in SERVICES}
        settings = {
            "KIERTO_ENV": "development",
            "KIERTO_SLOT": "1",
            "KIERTO_KAFKA": self.kafka,
            "KIERTO_REDIS_URL": self.redis_url,
            "KIERTO_SMTP": self.smtp,
            "KIERTO_MAIL_FROM": "Kierto <kierto@localhost>",
            "KIERTO_CLOCK_FILE": str(self.home.clock),
            "KIERTO_TIME_ZONE": "Europe/Helsinki",
            "KIERTO_OPERATOR_LANGUAGE": "fi",
            "KIERTO_BACKUP_DAYS": "30",
            "KIERTO_GATEWAY_URL": self.ports.url("gateway"),
            **urls,
        }
        shared = {name: self.caller.get(name) or value for name, value in settings.items()}
        return self._inherited() | shared | self._set_by_caller("KIERTO_TRACES")

    def _listening(self, process: str) -> dict[str, str]:
        return {
            "KIERTO_LISTEN": self.ports.address(process),
            "KIERTO_METRICS_LISTEN": self.ports.address(f"{process}-metrics"),
        }

    def _inherited(self) -> dict[str, str]:
        return {name: self.caller[name] for name in _INHERITED if name in self.caller}

    def _set_by_caller(self, prefix: str) -> dict[str, str]:
        return {name: value for name, value in self.caller.items() if name.startswith(prefix) and value}
