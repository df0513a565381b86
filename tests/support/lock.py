"""Take out of ``requirements.lock`` what belongs to torch's own builds: NVIDIA's packages."""

from __future__ import annotations

from tests.support.repository import ROOT

LOCK = ROOT / "requirements.lock"


def main() -> None:
    """Rewrite the file without them."""
    kept, is_kept = [], True
    for line in LOCK.read_text("utf-8").splitlines(keepends=True):
        if not line.startswith((" ", "#")):
            is_kept = not line.startswith(("nvidia-", "triton==", "cuda-"))
        if is_kept:
            kept.append(line)
    LOCK.write_text("".join(kept), "utf-8")


if __name__ == "__main__":
    main()
