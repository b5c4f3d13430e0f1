"""A collection as KAPE leaves it (`<HOST>/C/...`) and the truth that goes with it."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.builders.host import Host
from tests.builders.mft import MftBuilder

LOGS = "Windows/System32/winevt/Logs"


def iso_time(when: datetime) -> str:
    """Time as truth.json has it."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond:06d}Z"


@dataclass(slots=True)
class Truth:
    """What happened, in the lists of truth.json. Times are UTC as stamped in the logs."""

    case: str
    description: str
    host: str
    fqdn: str
    deliveries: list[dict[str, object]] = field(default_factory=list)
    mounts: list[dict[str, object]] = field(default_factory=list)
    executions: list[dict[str, object]] = field(default_factory=list)
    follow_on: list[dict[str, object]] = field(default_factory=list)
    findings: list[dict[str, object]] = field(default_factory=list)

    def delivery(
        self,
        image: str,
        when: datetime,
        zone: int | None,
        host_url: str | None,
        referrer: str | None,
        optional: bool = False,
    ) -> None:
        """An image arrived."""
        row: dict[str, object] = {
            "host": self.host,
            "image_path": image,
            "zone_id": zone,
            "host_url": host_url,
            "referrer_url": referrer,
            "time_utc": iso_time(when),
        }
        self.deliveries.append(row | ({"optional": True} if optional else {}))

    def mount(self, image: str, volume: str, opened: datetime, closed: datetime) -> None:
        """An image was mounted and unmounted."""
        self.mounts.append(
            {
                "host": self.host,
                "image_path": image,
                "volume": volume,
                "volume_known": True,
                "opened_utc": iso_time(opened),
                "closed_utc": iso_time(closed),
            }
        )

    def execution(
        self,
        image: str,
        when: datetime,
        pid: int,
        path: str,
        kinds: list[str],
        module: str | None = None,
        optional: bool = False,
    ) -> None:
        """Something on the image ran."""
        row: dict[str, object] = {
            "host": self.host,
            "time_utc": iso_time(when),
            "pid": pid,
            "process_path": path,
            "image_path": image,
            "kinds": kinds,
        }
        row |= {"module": module} if module else {}
        self.executions.append(row | ({"optional": True} if optional else {}))

    def follow(
        self,
        image: str,
        when: datetime,
        kind: str,
        value: str,
        *,
        alt: list[str] | None = None,
        kinds: list[str] | None = None,
        optional: bool = False,
    ) -> None:
        """What an execution or its descendants did."""
        row: dict[str, object] = {
            "host": self.host,
            "kind": kind,
            "value": value,
            "time_utc": iso_time(when),
            "image_path": image,
        }
        row |= {"alt": alt} if alt else {}
        row |= {"kinds": kinds} if kinds else {}
        self.follow_on.append(row | ({"optional": True} if optional else {}))

    def finding(self, image: str, verdict: str, benign: bool = False, **more: object) -> None:
        """The verdict on an image."""
        self.findings.append(
            {"host": self.host, "image_path": image, "verdict": verdict, "benign": benign} | more
        )

    def as_json(self) -> str:
        """truth.json."""
        data = {
            "case": self.case,
            "kind": self.case.replace("-", "_"),
            "description": self.description,
            "layout": "kape",
            "hosts": [{"name": self.host, "fqdn": self.fqdn}],
            "deliveries": self.deliveries,
            "mounts": self.mounts,
            "executions": self.executions,
            "follow_on": self.follow_on,
            "findings": self.findings,
            "kql": {"default_min_rows": 0, "inner_rows": []},
        }
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


@dataclass(slots=True)
class Collection:
    """Files of one host by their path below `C` (slashes), with the truth."""

    host: Host
    truth: Truth
    files: dict[str, bytes] = field(default_factory=dict)
    mft: MftBuilder | None = None
    """What made the $MFT, for who wants the whole volume."""

    def add_logs(self) -> None:
        """The host's logs, file names escaped as Windows does it (`/` = `%4`)."""
        for channel, data in self.host.logs().items():
            self.files[f"{LOGS}/{channel.replace('/', '%4')}.evtx"] = data

    def write(self, folder: Path) -> None:
        """`folder/evidence/<HOST>/C/...` and `folder/truth.json`."""
        root = folder / "evidence" / self.host.name / "C"
        for path, data in self.files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        (folder / "truth.json").write_text(self.truth.as_json(), encoding="utf-8")
