"""`deepdream models`: the list, and downloads with their progress."""

from ...nets import download, model


def list_models(args):
    rows = [("model", "size", "licence", "weights")]
    for name in model.known():
        found = model.find(name)
        want = download.wanted(found)
        size = want.size or (want.path.stat().st_size if want.path.is_file() else None)
        rows.append(
            (
                name,
                f"{size / 1e6:.0f} MB" if size else "not known",
                str(found.facts.get("license", "not known")),
                _state(want),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths)), row[3]]))


def _state(want):
    if not want.path.is_file():
        return "not here" if want.sha1 else "not here; no published hash (--trust)"
    if want.sha1 is None:
        return "here, no hash to check it by"
    return (
        "here and right"
        if download.is_right(want)
        else "here, but not the published file: get it again"
    )


def get(args):
    from tqdm import tqdm

    found = model.find(
        args.name, mean="0,0,0"
    )  # a gist's readme names none, and a download needs none
    want = download.wanted(found)
    with tqdm(unit="B", unit_scale=True, desc=want.path.name, disable=None, leave=False) as bar:

        def report(done, total):
            bar.total = total
            bar.update(done - bar.n)

        came_from = download.get(want, args.trust, args.source, report)
    if not came_from:
        print(f"{want.path} is there already, and right")
    else:
        print(f"wrote {want.path}, {want.path.stat().st_size} bytes from {came_from}")


def doctor(args):
    """Print every finding; returns 1 if something is wrong that a dream needs."""
    from ...studies.doctor import examine

    wrong = 0
    for finding in examine():
        mark = {True: "ok ", False: "!! ", None: "   "}[finding.good]
        remedy = f"  -> {finding.remedy}" if finding.remedy else ""
        print(f"{mark}{finding.what:26} {finding.told}{remedy}", flush=True)
        wrong += finding.good is False
    print(
        "nothing that a dream needs is missing" if not wrong else f"{wrong} of these need mending"
    )
    return int(wrong > 0)
