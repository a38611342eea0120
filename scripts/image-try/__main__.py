"""See scripts/image-try.sh. `image-try FOLDER`: the images lie in FOLDER/images, an OCI layout."""

import sys
from pathlib import Path

from container import Container, Failed
from image import Image, findings

# (image, what is wrong with it, what has to be found)
WRONG = [
    ("root", "runs as root", "user '0'"),
    ("named", "runs as somebody without a number", "user 'nobody'"),
    ("shell", "starts through a shell", "starts with ['/bin/sh'"),
    ("more", "brings one file more", "/usr/share/perennial/__main__.py: nobody meant"),
    ("writable", "everybody may write the program", "/usr/local/bin/perennial: mode"),
    ("stale", "brings another Cargo.lock", "Cargo.lock: not the one of this checkout"),
]


def expect(fact, otherwise):
    if not fact:
        raise Failed(otherwise)


def image_of(work, name):
    return Image(work / "images", name)


def image_is_meant(work):
    """The image is what is meant: user, program, files, Cargo.lock"""
    image, base = image_of(work, "perennial"), image_of(work, "run-base")
    wrong = list(findings(image, base))
    expect(not wrong, "\n".join(wrong))
    size = sum(entry.size for entry, _ in image.added_to(base).values())
    return f"{size / 2**20:.0f} MiB on top of its base"


def wrong_images_are_seen(work):
    """Control: images made wrong on purpose are not passed"""
    base = image_of(work, "run-base")
    for name, what, finding in WRONG:
        found = list(findings(image_of(work, name), base))
        expect(any(finding in line for line in found), f"an image that {what} was passed: {found}")
    return f"{len(WRONG)} of {len(WRONG)}"


def it_serves(work):
    """Run as uid 10001 without capabilities on a read-only root it serves, and ends in order"""
    container = Container("served", image_of(work, "perennial"), work)
    try:
        up = container.wait_until_serving()
        points = "perennial.loyalty.v1.PointsService"
        earned = container.grpcurl("loyalty", f"{points}/Earn", {"user_id": "ann", "points": 100, "request_id": "1"})
        expect("error" not in earned, earned)
        balance = container.grpcurl("loyalty", f"{points}/GetBalance", {"user_id": "ann"})
        expect(balance.get("balance", {}).get("spendable") == "100", balance)
        loose = list(container.loose())
        expect(not loose, "\n".join(loose))
        code, down = container.stop()
        expect(code == 0, f"exit code {code} after SIGTERM:\n{container.log()}")
        expect(down <= 10, f"took {down:.1f} s to end")
    finally:
        container.end()
    return f"up after {up:.1f} s, down {down:.1f} s after SIGTERM"


def elsewhere_cannot_be_written(work):
    """Control: told to keep its data beside the volume it cannot start"""
    container = Container("elsewhere", image_of(work, "perennial"), work, data="/srv/data")
    try:
        container.wait_until_serving()
    except Failed as failure:
        expect("Read-only file system" in str(failure), failure)
        return
    finally:
        container.end()
    raise Failed("it wrote to its root")


def freedom_is_seen(work):
    """Control: as root, with capabilities, on a root that it writes to, all of that is found"""
    container = Container("free", image_of(work, "root"), work, fenced=False, data="/srv/data")
    try:
        container.wait_until_serving()
        loose = "\n".join(container.loose())
    finally:
        container.end()
    for finding in ("Uid 0", "CapEff", "CapBnd", "may gain privileges", "/ can be written to", "its root was written to"):
        expect(finding in loose, f"not found: {finding}\nfound: {loose}")


def main(work):
    for step in (image_is_meant, wrong_images_are_seen, it_serves, elsewhere_cannot_be_written, freedom_is_seen):
        try:
            figure = step(work)
        except Failed as failure:
            print(f"FAILED  {step.__doc__}\n{failure}", flush=True)
            return 1
        print(f"ok  {step.__doc__}" + (f" ({figure})" if figure else ""), flush=True)
    return 0


sys.exit(main(Path(sys.argv[1])))
