"""What a change may set although the lab cannot see what it does."""

from __future__ import annotations

from harness.servers.unseen import unseen


def test_by_any_name_and_spelling_and_nothing_else() -> None:
    found = unseen(["Allow Hosts", "server signing", "multicastdnsregister", "hosts deny"])
    assert [one.partition(":")[0] for one in found] == ["Allow Hosts", "multicastdnsregister", "hosts deny"]
    assert all("does not show here" in one for one in found)
    assert unseen(["guest ok", "fruit:model"]) == []
