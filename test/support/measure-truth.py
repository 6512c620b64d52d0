"""What the measures must say of a world, counted from its raw events by other means than the product's.

Reads {"now", "trusts", "events", "fetches", "csv"} as JSON from stdin, writes {measure: {"trust|month": figures}}.
Nothing but the standard library; the rules are those of the definitions, written down anew.
"""
import json
import math
import sys
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
UTC = timezone.utc


def moment(text):
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def local(at):
    return at.astimezone(LONDON)


def month(at):
    return local(at).strftime("%Y-%m")


def hours(a, b):
    return (b - a).total_seconds() / 3600


def quantile(values, p):
    values = sorted(values)
    if not values:
        return None
    place = p * (len(values) - 1)
    low = math.floor(place)
    high = math.ceil(place)
    return values[low] + (values[high] - values[low]) * (place - low)


BANDS = {"STAT": "P1", "2WW": "P2", "URGENT": "P3", "ROUTINE": "P4", "PLANNED": "P5"}
CLASSES = {"I": "inpatient", "E": "emergency", "O": "outpatient"}
world = json.load(sys.stdin)
NOW = moment(world["now"])
NETWORK = set(world["trusts"])
by_kind = defaultdict(list)
for event in world["events"]:
    by_kind[event["kind"]].append(event)
dose_reports = by_kind.pop("dose", [])
of_patients = [event for event in world["events"] if event["kind"] != "dose"]


# --- who is the same person

def key(event):
    return (event["trust"], event["patient"]["patientId"])


nhs = {}
for event in of_patients:
    if event["patient"]["nhsNumber"] is not None:
        nhs[key(event)] = event["patient"]["nhsNumber"]
patients = {}
for event in sorted(by_kind["patient"], key=lambda one: one["asOf"]):
    patients[key(event)] = event


def in_force(who):
    seen = set()
    while who in patients and patients[who]["mergedInto"] and who not in seen:
        seen.add(who)
        who = (who[0], patients[who]["mergedInto"]["patientId"])
    return who


def person(who):
    return nhs.get(in_force(who)) or nhs.get(who) or in_force(who)


# --- examinations

def earliest(a, b):
    return min(a, b) if a and b else a or b


exams = {}
for event in sorted(by_kind["order"], key=lambda one: one["asOf"]):
    name = (event["trust"], event["accessionNumber"])
    exam = exams.setdefault(name, {
        "trust": name[0], "exam": name[1], "received": moment(event["asOf"]), "booked": None, "cancelled": None,
        "completed": None, "started": None, "ended": None, "reports": [], "study": None, "is_scheduled": False})
    at = moment(event["asOf"])
    exam["who"] = key(event)
    for field, source in (("code", event["procedure"]["code"]), ("modality", event["modality"]),
                          ("requested", earliest(exam.get("requested"), moment(event["requestedAt"]))), ("scheduled", moment(event["scheduledAt"])),
                          ("started", moment(event.get("startedAt"))), ("ended", moment(event.get("endedAt"))),
                          ("placer", event["placerNumber"]), ("band", event["priority"]),
                          ("setting", CLASSES.get(event["patientClass"]))):
        if source is not None:
            exam[field] = source
        exam.setdefault(field, None)
    if event["scheduledAt"] is not None and exam["booked"] is None:
        exam["booked"] = at
    if event["status"] == "completed" and exam["completed"] is None:
        exam["completed"] = at
    if event["status"] == "cancelled":
        exam["cancelled"] = exam["cancelled"] or at
    else:
        exam["cancelled"] = None
    exam["status"] = event["status"]

for event in by_kind["study"]:
    wall = datetime.strptime(event["studyDate"] + event["studyTime"], "%Y%m%d%H%M%S").replace(tzinfo=LONDON)
    exam = exams[(event["trust"], event["accessionNumber"])]
    exam["study"] = {"uid": event["studyInstanceUID"], "at": wall.astimezone(UTC),
                     "region": event["series"][0]["bodyPart"], "modality": event["series"][0]["modality"],
                     "began": moment((event.get("performed") or {}).get("startedAt")),
                     "over": moment((event.get("performed") or {}).get("endedAt"))}

versions = {}
for event in by_kind["report"]:
    versions.setdefault((event["trust"], event["reportId"]), {})[event["version"]] = event
uid_of = {exam["study"]["uid"]: exam for exam in exams.values() if exam["study"]}
for (trust, _), told in versions.items():
    newest = max(told.values(), key=lambda one: (one["issuedAt"], one["version"]))
    if newest["status"] == "withdrawn":
        continue
    of = {(trust, number) for number in newest["accessionNumbers"]}
    of |= {(uid_of[uid]["trust"], uid_of[uid]["exam"]) for uid in newest["studyInstanceUIDs"] if uid in uid_of}
    for name in of:
        exams[name]["reports"] += list(told.values())

known_codes = {row["code"]: row for row in world["csv"]["code"]}
for exam in exams.values():
    code = known_codes.get(exam["code"])
    study = exam["study"]
    final = [one for one in exam["reports"] if one["status"] in ("final", "corrected")]
    first = min(final, key=lambda one: one["issuedAt"], default=None)
    exam["verified"] = first and moment(first["issuedAt"])
    exam["reporter"] = first and (first["authorOrganisation"] or first["trust"])
    exam["band"] = BANDS.get(exam["band"], "not told")
    exam["setting"] = exam["setting"] or "not told"
    exam["mapped"] = code is not None
    exam["delegated"] = bool((code or {}).get("delegated"))
    exam["target"] = next((one["hours"] for one in world["targets"]
                           if all(exam[name] == one[name] for name in one if name != "hours")), None)
    exam["region"] = (code or {}).get("region") or (study or {}).get("region") or "not told"
    exam["minutes"] = (code or {}).get("reporting_minutes", 5)
    # The RIS of this world tells the times of an examination in its order or not at all; then the modality may.
    exam["began"] = exam["started"] or (study and (study["began"] or study["at"]))
    exam["done"] = exam["ended"] or (study and study["over"]) or exam["completed"] or exam["began"]
    exam["person"] = person(exam["who"])
    exam["status01"] = patients.get(in_force(exam["who"]), patients.get(exam["who"], {})).get("nhsNumberStatus") == "01"
    exam["test"] = {"MR": "Magnetic Resonance Imaging", "CT": "Computed Tomography", "BMD": "DEXA Scan",
                    "US": "Non-obstetric Ultrasound"}.get(exam["modality"])
    if exam["code"] == "UOBST":
        exam["test"] = None
    if exam["code"] == "FBAEN":
        exam["test"] = "Barium Enema"

# --- bookings: one row per time that was given

# What the words and codes of this world mean in the list that all trusts share, and whose doing it is.
COMMON = {"patient cannot come": ("patient can not come", "patient"), "scanner down": ("equipment", "hospital"),
          "no radiographer": ("staff", "hospital"), "patient feels unwell": ("patient unwell", "patient"),
          "not required any more": ("no longer needed", "hospital"), "": ("not told", "not told")}
for row in world["csv"]["reason"]:
    COMMON[row["trust"], row["told"]] = (row["common"], "hospital")


def reason_of(trust, told):
    return COMMON.get((trust, told)) or COMMON.get(told) or ("other", "not told")


def band_of_days(days, limits, most):
    return next((name for limit, name in limits if days <= limit), most)


def took(exam):
    if exam is None:
        return None
    begun, over = exam["started"], exam["ended"]
    if (begun is None or over is None) and exam["study"]:
        begun, over = exam["study"]["began"], exam["study"]["over"]
    if begun is None or over is None:
        return None
    seconds = math.floor((over - begun).total_seconds())
    return seconds / 60 if begun < over <= begun + timedelta(hours=12) else None


bookings = []
told = defaultdict(dict)
for event in by_kind["appointment"]:
    told[(event["trust"], event["appointmentId"])][event["asOf"]] = event
by_placer = {(exam["trust"], exam["placer"]): exam for exam in exams.values()}
for (trust, name), of in told.items():
    sequence = [of[at] for at in sorted(of)]
    times = []
    for event in sequence:
        if not times or times[-1]["starts"] != event["startsAt"]:
            times.append({"starts": event["startsAt"], "told": []})
        times[-1]["told"].append(event)
    for place, time in enumerate(times):
        last = time["told"][-1]
        exam = by_placer.get((trust, last["placerNumber"]))
        starts = moment(time["starts"])
        moved = place + 1 < len(times)
        released = None
        if last["status"] == "cancelled":
            outcome, released = "cancelled", moment(last["asOf"])
        elif last["status"] in ("attended", "missed"):
            outcome = last["status"]
        elif moved:
            outcome, released = "moved", moment(times[place + 1]["told"][0]["asOf"])
        elif exam and exam["done"] and starts - timedelta(hours=12) <= exam["done"] < starts + timedelta(hours=24):
            outcome = "attended"
        else:
            outcome = "booked"
        reason = (last["reason"] or "").lower()
        common, whom = reason_of(trust, reason)
        days = None if released is None else (local(starts).date() - local(released).date()).days
        lead = (None if released is None else "afterwards" if released >= starts else
                band_of_days(days, ((0, "on the day"), (2, "1-2 d"), (6, "3-6 d"), (13, "7-13 d")), "14+ d"))
        booked = moment(time["told"][0]["asOf"])
        notice = band_of_days((local(starts).date() - local(booked).date()).days, (
            (1, "0-1 d"), (6, "2-6 d"), (13, "7-13 d"), (27, "14-27 d")), "28+ d")
        bookings.append({
            "trust": trust, "id": name, "starts": starts, "outcome": outcome, "released": released, "exam": exam,
            "resource": last["resource"], "booked": moment(time["told"][0]["asOf"]), "minutes": last["minutes"],
            "setting": exam["setting"] if exam else "not told",
            "by": "patient" if "patient" in reason else "hospital" if "scanner" in reason else "not told",
            "reason": common, "whom": whom, "lead": lead, "lead_band": notice,
            "took": took(exam) or last["minutes"],
            "notice": None if released is None else hours(released, starts)})
slots = defaultdict(list)
for one in bookings:
    slots[(one["trust"], one["resource"], one["starts"])].append(one)
for one in bookings:
    taken = [] if one["released"] is None else [
        other["booked"] for other in slots[(one["trust"], one["resource"], one["starts"])]
        if other["id"] != one["id"] and other["booked"] >= one["released"] and other["outcome"] in ("attended", "booked")]
    one["refilled"] = len(taken) > 0
    one["fill"] = hours(one["released"], min(taken)) if taken else None
for exam in exams.values():
    mine = [one for one in bookings if one["exam"] is exam]
    if mine:
        exam["booked"] = min([one["booked"] for one in mine] + ([exam["booked"]] if exam["booked"] else []))
        kept = [one for one in mine if one["outcome"] in ("booked", "attended", "missed", "moved")]
        exam["scheduled"] = max(kept, key=lambda one: one["starts"])["starts"] if kept else exam["scheduled"]

# --- transfers

transfers = []
arrived = defaultdict(dict)
opened = defaultdict(list)
for one in world["views"]:
    if one["event"] == "look" and one["outcome"] == 0 and one["trust"]:
        for study in one["studies"]:
            opened[study, one["trust"]].append((moment(one["at"]), "dicom-web" in one["what"]))
DUE = {"immediate": timedelta(minutes=5), "urgent": timedelta(minutes=15)}
for fetch in world["fetches"]:
    order, receipt = fetch["order"], fetch["receipt"]
    available = next((moment(step["at"]) for step in (receipt or {"steps": []})["steps"]
                      if step["state"] == "available"), None)
    transfers.append({"trust": order["to"]["trust"], "at": moment(order["requestedAt"]), "available": available,
                      "state": receipt["state"] if receipt else "authorised",
                      "from": order["home"], "priority": order["priority"], "delivered": order["deliver"]})
    one = transfers[-1]
    due = one["at"] + DUE.get(order["priority"], timedelta(days=1))
    if order["priority"] == "scheduled" and order["neededBy"]:
        due = moment(order["neededBy"])
    one["in_time"] = available is not None and available <= due
    one["ripe"] = available is not None and not order["deliver"] and available + timedelta(days=30) <= NOW
    one["seen"] = any(images and available <= at <= available + timedelta(days=30)
                      for at, images in opened[order["studyInstanceUID"], one["trust"]]) if available else False
    if available:
        before = arrived[order["studyInstanceUID"]].get(order["to"]["trust"], available)
        arrived[order["studyInstanceUID"]][order["to"]["trust"]] = min(before, available)

# --- priors

of_person = defaultdict(list)
for exam in exams.values():
    of_person[exam["person"]].append(exam)
for exam in exams.values():
    exam["priors"] = exam["brought"] = exam["opened"] = 0
    exam["unknown"] = None
    exam["since"] = None
    exam["absent"] = None
    if exam["began"] is None:
        continue
    for prior in of_person[exam["person"]]:
        if prior["trust"] == exam["trust"] or prior["study"] is None or prior["began"] is None:
            continue
        if prior["began"] >= exam["began"]:
            continue
        same_region = prior["region"] == exam["region"] != "not told"
        if prior["modality"] != exam["modality"] and not same_region:
            continue
        here = arrived[prior["study"]["uid"]].get(exam["trust"])
        exam["priors"] += 1
        exam["brought"] += here is not None and (exam["verified"] is None or here < exam["verified"])
        looks = [at for at, _ in opened[prior["study"]["uid"], exam["trust"]]]
        exam["opened"] += any(at >= exam["requested"] and (exam["verified"] is None or at < exam["verified"])
                              for at in looks)
        if prior["modality"] == exam["modality"] and prior["region"] == exam["region"]:
            since = hours(prior["began"], exam["began"])
            exam["since"] = since if exam["since"] is None else min(since, exam["since"])
            if since <= 168:
                absent = here is None or here > exam["began"]
                exam["absent"] = absent if exam["absent"] is None else absent and exam["absent"]
                unknown = absent and not any(prior["began"] <= at <= exam["began"] for at in looks)
                exam["unknown"] = unknown if exam["unknown"] is None else unknown and exam["unknown"]

# --- the measures

answers = defaultdict(dict)


def count(measure, rows, at, figures, trust=lambda row: row["trust"], splits=()):
    cells = defaultdict(list)
    rows = list(rows)
    for name, value in dict(splits).items():
        parts = defaultdict(list)
        for row in rows:
            parts[(trust(row), value(row))].append(row)
        for key, of in parts.items():
            answers[measure + "/" + name]["|".join(key)] = figures(of)
    for row in rows:
        cells[(trust(row), month(at(row)))].append(row)
        cells[("*", month(at(row)))].append(row)
        cells[(trust(row), "*")].append(row)
        cells[("*", "*")].append(row)
    for name, of in cells.items():
        answers[measure]["|".join(name)] = figures(of)


def number(rows, test):
    return sum(1 for row in rows if test(row))


def ratio(part, whole):
    return part / whole if whole else None


def snapshots():
    first = local(min(exam["requested"] for exam in exams.values())).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    while True:
        following = (first + timedelta(days=32)).replace(day=1)
        end = following.replace(tzinfo=LONDON).astimezone(UTC)
        yield first.strftime("%Y-%m"), min(end, NOW)
        if end >= NOW:
            return
        first = following


def snapshot(measure, rows_at, figures):
    for name, at in snapshots():
        cells = defaultdict(list)
        for row in rows_at(at):
            cells[(row["trust"], name)].append(row)
            cells[("*", name)].append(row)
        for cell, of in cells.items():
            answers[measure]["|".join(cell)] = figures(of)


def waiting(at):
    day = local(at - timedelta(microseconds=1)).date()
    for exam in exams.values():
        over = [one for one in (exam["done"] or exam["verified"], exam["cancelled"]) if one]
        if (exam["test"] and exam["requested"] < at and exam["band"] not in ("P1", "P5")
                and exam["setting"] not in ("inpatient", "emergency") and all(one >= at for one in over)):
            yield {**exam, "days": (day - local(exam["requested"]).date()).days}


snapshot("BI-10", waiting, lambda of: {"waiting": len(of)})
snapshot("BI-11", waiting, lambda of: {
    "waiting": len(of), "sixWeeks": number(of, lambda one: one["days"] >= 42),
    "shareSixWeeks": ratio(number(of, lambda one: one["days"] >= 42), len(of))})


def backlog(at):
    for exam in exams.values():
        if exam["done"] and exam["done"] < at and exam["status"] != "cancelled":
            if exam["verified"] is None or exam["verified"] >= at:
                yield exam


snapshot("BI-15@1", backlog, lambda of: {
    "unreported": len(of), "reportingMinutes": sum(one["minutes"] for one in of)})
snapshot("BI-15", backlog, lambda of: {
    "unreported": len(of), "backlog": number(of, lambda one: not one["delegated"]),
    "delegated": number(of, lambda one: one["delegated"]),
    "backlogMinutes": sum(one["minutes"] for one in of if not one["delegated"])})


def part(exam):
    if exam["band"] == "P5":
        return "planned"
    if exam["band"] == "P1" or exam["setting"] in ("inpatient", "emergency"):
        return "unscheduled"
    return "waiting list"


done = [exam for exam in exams.values() if exam["done"]]
count("BI-12", [one for one in done if one["test"]], lambda one: one["done"], lambda of: {
    "tests": len(of), "planned": number(of, lambda one: part(one) == "planned"),
    "unscheduled": number(of, lambda one: part(one) == "unscheduled"),
    "waitingList": number(of, lambda one: part(one) == "waiting list")})
began = [exam for exam in exams.values() if exam["began"]]


def waits(of):
    wait = [hours(one["requested"], one["began"]) for one in of]
    return {"exams": len(of), "medianHours": quantile(wait, 0.5), "p90Hours": quantile(wait, 0.9),
            "p95Hours": quantile(wait, 0.95), **{"median" + name: quantile(values, 0.5) for name, values in parts(of)}}


def parts(of):
    yield "ToReceived", [hours(one["requested"], one["received"]) for one in of]
    yield "ToBooked", [hours(one["received"], one["booked"]) for one in of if one["booked"]]
    yield "Notice", [hours(one["booked"], one["scheduled"]) for one in of if one["booked"] and one["scheduled"]]


def waits_in_parts(of):
    more = {f"p{percent}{name}": quantile(values, percent / 100) for name, values in parts(of) for percent in (90, 95)}
    return {**waits(of), **more}


count("BI-13@1", [one for one in began if one["band"] != "P5"], lambda one: one["began"], waits)
count("BI-13", [one for one in began if one["band"] != "P5"], lambda one: one["began"], waits_in_parts)


def turnaround(of):
    reported = [one for one in of if one["verified"]]
    taken = [hours(one["done"], one["verified"]) for one in reported]
    late = [hours(one["done"], NOW) for one in of if not one["verified"]]
    within = sum(1 for one in taken if one <= 28 * 24)
    return {"exams": len(of), "reported": len(reported), "within28Days": within,
            "over28Days": len(reported) - within, "unreported": len(late),
            "unreportedOver28Days": sum(1 for one in late if one > 28 * 24),
            "shareWithin28Days": ratio(within, len(reported)), "medianHours": quantile(taken, 0.5),
            "p90Hours": quantile(taken, 0.9), "p95Hours": quantile(taken, 0.95)}


def against_targets(of):
    reported = [one for one in of if one["verified"]]
    due = [one for one in reported if one["target"]]
    kept = number(due, lambda one: hours(one["done"], one["verified"]) <= one["target"])
    return {**turnaround(of), "withTarget": len(due), "inTarget": kept, "shareInTarget": ratio(kept, len(due))}


past = [one for one in done if one["done"] <= NOW]
count("BI-14@1", past, lambda one: one["done"], turnaround)
count("BI-14", past, lambda one: one["done"], against_targets, splits={
    "read_by": lambda one: "delegated" if one["delegated"] else "radiology"})
count("BI-16H", began, lambda one: one["began"], lambda of: {"exams": len(of)})


def sessions():
    for row in world["csv"]["session"]:
        starts, ends = moment(row["starts_at"]), moment(row["ends_at"])
        used = [one for one in bookings if one["trust"] == row["trust"] and one["resource"] == row["resource"]
                and one["outcome"] == "attended" and starts <= one["starts"] < ends]
        minutes = hours(starts, ends) * 60
        worked = sum(one["took"] for one in used)
        yield {**row, "starts": starts, "minutes": minutes, "worked": round(min(minutes, worked), 3),
               "over": round(max(0, worked - minutes), 3),
               "used": min(minutes, sum(one["minutes"] for one in used)), "exams": len(used)}


unique = {(one["trust"], one["resource"], one["starts"], one["kind"]): one for one in sessions()}
count("BI-16@1", unique.values(), lambda one: one["starts"], lambda of: {
    "sessions": len(of), "minutes": sum(one["minutes"] for one in of), "usedMinutes": sum(one["used"] for one in of)})


def lines(of):
    def minutes(kind):
        return sum(one["minutes"] for one in of if one["kind"] == kind)
    staffed = [one for one in of if one["kind"] == "staffed"]
    worked, examined = sum(one["worked"] for one in staffed), sum(one["exams"] for one in staffed)
    return {"sessions": len(of), "staffedSessions": len(staffed),
            "usedSessions": number(of, lambda one: one["exams"] > 0), "staffedMinutes": minutes("staffed"),
            "staffedMinutesUsed": worked, "overrunMinutes": sum(one["over"] for one in staffed), "exams": examined,
            "downMinutes": minutes("down"), "trainingMinutes": minutes("training"), "qaMinutes": minutes("QA"),
            "shareUsed": ratio(worked, minutes("staffed")),
            "examsAnHour": ratio(examined, minutes("staffed") / 60)}


count("BI-16", unique.values(), lambda one: one["starts"], lines, splits={"kind": lambda one: one["kind"]})
outpatients = [one for one in bookings if one["outcome"] in ("attended", "missed")
               and one["setting"] not in ("inpatient", "emergency")]
count("BI-17", outpatients, lambda one: one["starts"], lambda of: {
    "bookings": len(of), "attended": number(of, lambda one: one["outcome"] == "attended"),
    "missed": number(of, lambda one: one["outcome"] == "missed"),
    "shareMissed": ratio(number(of, lambda one: one["outcome"] == "missed"), len(of))},
      splits={"notice": lambda one: one["lead_band"]})


def cancelled_before(of):
    gone = [one for one in of if one["outcome"] == "cancelled"]
    return {"bookings": len(of), "cancelled": len(gone), "byPatient": number(gone, lambda one: one["by"] == "patient"),
            "byHospital": number(gone, lambda one: one["by"] == "hospital"),
            "onTheDay": number(gone, lambda one: one["notice"] < 24),
            "moved": number(of, lambda one: one["outcome"] == "moved"),
            "refilled": number(gone, lambda one: one["refilled"]),
            "shareCancelled": ratio(len(gone), len(of)),
            "shareRefilled": ratio(number(gone, lambda one: one["refilled"]), len(gone))}


count("BI-18@1", bookings, lambda one: one["starts"], cancelled_before)


def cancellations(of):
    gone = [one for one in of if one["outcome"] == "cancelled"]
    late = [one for one in gone if local(one["released"]).date() >= local(one["starts"]).date()]
    patients, hospitals = (number(gone, lambda one: one["whom"] == whom) for whom in ("patient", "hospital"))
    late_hospital = number(late, lambda one: one["whom"] == "hospital")
    return {"bookings": len(of), "cancelled": len(gone), "cancelledByPatient": patients,
            "cancelledByHospital": hospitals, "sameDay": len(late), "hospitalSameDay": late_hospital,
            "moved": number(of, lambda one: one["outcome"] == "moved"),
            "refilled": number(gone, lambda one: one["refilled"]),
            "shareCancelled": ratio(len(gone), len(of)), "shareByPatient": ratio(patients, len(of)),
            "shareByHospital": ratio(hospitals, len(of)), "shareHospitalSameDay": ratio(late_hospital, len(of)),
            "shareRefilled": ratio(number(gone, lambda one: one["refilled"]), len(gone))}


count("BI-18", bookings, lambda one: one["starts"], cancellations, splits={
    "lead_time": lambda one: one["lead"] if one["outcome"] == "cancelled" else "not cancelled",
    "reason": lambda one: one["reason"] if one["outcome"] == "cancelled" else "not cancelled"})
freed = [one for one in bookings if one["released"] and one["resource"] and 0 <= one["notice"] < 168]


def refilled(of):
    return {"released": len(of), "refilled": number(of, lambda one: one["refilled"]),
            "shareRefilled": ratio(number(of, lambda one: one["refilled"]), len(of)),
            "medianNotice": quantile([one["notice"] for one in of], 0.5)}


count("BI-19@1", freed, lambda one: one["starts"], refilled)
count("BI-19", freed, lambda one: one["starts"], lambda of: {
    **refilled(of), "medianTimeToFill": quantile([one["fill"] for one in of if one["fill"] is not None], 0.5)})


def moved(of):
    taken = [hours(one["at"], one["available"]) for one in of if one["available"]]
    within = sum(1 for one in taken if one <= 1)
    return {"requested": len(of), "available": len(taken), "withinHour": within,
            "failed": number(of, lambda one: one["state"] in ("failed", "partial")),
            "shareWithinHour": ratio(within, len(taken)), "medianHours": quantile(taken, 0.5),
            "p95Hours": quantile(taken, 0.95)}


def judged(of):
    came = number(of, lambda one: one["available"])
    failed = number(of, lambda one: one["state"] in ("failed", "partial"))
    in_time, ripe = number(of, lambda one: one["in_time"]), [one for one in of if one["ripe"]]
    unseen = number(ripe, lambda one: not one["seen"])
    return {**moved(of), "inTarget": in_time, "shareInTarget": ratio(in_time, came + failed),
            "shareFailed": ratio(failed, came + failed), "viewable": len(ripe), "notViewed": unseen,
            "toPacs": number(of, lambda one: one["available"] and one["delivered"]),
            "shareNotViewed": ratio(unseen, len(ripe))}


count("BI-20@1", transfers, lambda one: one["at"], moved)
count("BI-20", transfers, lambda one: one["at"], judged, splits={
    "from_trust": lambda one: one["from"], "priority": lambda one: one["priority"]})


def found(of):
    with_prior = number(of, lambda one: one["priors"] > 0)
    brought = number(of, lambda one: one["brought"] > 0)
    return {"exams": len(of), "withPrior": with_prior, "brought": brought,
            "shareWithPrior": ratio(with_prior, len(of)), "shareBrought": ratio(brought, with_prior)}


def found_and_opened(of):
    looked = number(of, lambda one: one["opened"] > 0)
    return {**found(of), "opened": looked, "shareOpened": ratio(looked, number(of, lambda one: one["priors"] > 0))}


count("BI-21@1", began, lambda one: one["began"], found)
count("BI-21", began, lambda one: one["began"], found_and_opened)
same = [one for one in began if one["since"] is not None and one["since"] <= 168]
count("BI-22@1", same, lambda one: one["began"], lambda of: {
    "sameElsewhere": len(of), "repeated": number(of, lambda one: one["absent"]),
    "repeated24Hours": number(of, lambda one: one["absent"] and one["since"] <= 24),
    "shareRepeated": ratio(number(of, lambda one: one["absent"]), len(of))})


def repeats(of):
    day = [one for one in of if one["since"] <= 24]
    week, within = number(of, lambda one: one["unknown"]), number(day, lambda one: one["unknown"])
    return {"sameElsewhere": len(of), "sameElsewhere24Hours": len(day), "notKnown": week, "notKnown24Hours": within,
            "shareNotKnown": ratio(week, len(of)), "shareNotKnown24Hours": ratio(within, len(day))}


count("BI-22", same, lambda one: one["began"], repeats)
verified = [exam for exam in exams.values() if exam["verified"]]
count("BI-23", verified, lambda one: one["verified"], lambda of: {
    "verified": len(of), "outsourced": number(of, lambda one: one["reporter"] not in NETWORK),
    "shareOutsourced": ratio(number(of, lambda one: one["reporter"] not in NETWORK), len(of))})


def by_other(one):
    return one["reporter"] in NETWORK and one["reporter"] != one["trust"]


count("BI-24", verified, lambda one: one["verified"], lambda of: {
    "verified": len(of), "byOtherTrust": number(of, by_other), "shareByOther": ratio(number(of, by_other), len(of))},
      splits={"reporting_trust": lambda one: one["reporter"] if one["reporter"] in NETWORK else "no trust of the network"})
irradiations = {}
for row in world["csv"]["dose"]:
    irradiations[(row["trust"], row["event_uid"])] = {
        "exam": row["exam"], "at": row["as_of"], "ctdi": row["ctdivol_mgy"], "dlp": row["dlp_mgycm"],
        "dap": None, "fluoro": None, "agd": None, "activity": None}
for event in dose_reports:
    exam = uid_of.get(event["studyInstanceUID"])
    name = exam["exam"] if exam else event["accessionNumber"] or event["studyInstanceUID"]
    for one in event["irradiations"]:
        irradiations[(event["trust"], one["eventUID"])] = {
            "exam": name, "at": one["startedAt"], "ctdi": one["ctdivolMGy"], "dlp": one["dlpMGyCm"],
            "dap": one["dapGyCm2"], "fluoro": one["fluoroSeconds"],
            "agd": one["glandularMGy"], "activity": one["activityMBq"]}
doses = defaultdict(list)
for (trust, _), one in irradiations.items():
    doses[(trust, one["exam"])].append(one)


def total(of, what):
    values = [one[what] for one in of if one[what] is not None]
    return sum(values) if values else None


def mean(of, what):
    values = [one[what] for one in of if one[what] is not None]
    return sum(values) / len(values) if values else None


def is_adult(exam):
    known = patients.get(in_force(exam["who"])) or patients.get(exam["who"])
    if known is None:
        return False
    born = known["patient"]["birthDate"]
    on = local(exam["done"] or exam["requested"])
    return (on.year - int(born[:4])) * 12 + on.month - int(born[4:6]) >= 16 * 12


# The national ones that examinations of this world have, then those that were laid in.
levels = {("", "ct-chest"): {"ctdi": 8.5, "dlp": 290}}
names = {"ctdivol_mgy": "ctdi", "dlp_mgycm": "dlp", "dap_gycm2": "dap", "glandular_mgy": "agd",
         "activity_mbq": "activity"}
for row in world["csv"]["level"]:
    levels.setdefault((row.get("trust", ""), row["examination"]), {})[names[row["quantity"]]] = row["level"]
dosed = []
for (trust, name), of in doses.items():
    exam = exams.get((trust, name))
    examination = exam and known_codes.get(exam["code"], {}).get("examination")
    one = {"trust": trust, "at": moment(min(part["at"] for part in of)),
           "ctdi": mean(of, "ctdi"), "agd": mean(of, "agd"), "activity": total(of, "activity"),
           "dlp": total(of, "dlp"), "dap": total(of, "dap"), "fluoro": total(of, "fluoro"),
           "compared": False, "above": False}
    limits = {**levels.get(("", examination), {}), **levels.get((trust, examination), {})}
    if exam and is_adult(exam):
        held = [(one[what], limit) for what, limit in limits.items() if one[what] is not None]
        one["compared"] = len(held) > 0
        one["above"] = any(value > limit for value, limit in held)
    dosed.append(one)


def median_of(of, what):
    return quantile([one[what] for one in of if one[what] is not None], 0.5)


count("BI-25", dosed, lambda one: one["at"], lambda of: {
    "exams": len(of), "compared": number(of, lambda one: one["compared"]),
    "above": number(of, lambda one: one["above"]),
    "shareAbove": ratio(number(of, lambda one: one["above"]), number(of, lambda one: one["compared"])),
    "medianCtdivol": median_of(of, "ctdi"), "medianDlp": median_of(of, "dlp"),
    "medianDap": median_of(of, "dap"), "medianFluoroSeconds": median_of(of, "fluoro"),
    "medianGlandular": median_of(of, "agd"), "medianActivity": median_of(of, "activity")})
with_rays = [exam for exam in exams.values() if exam["done"] and exam["modality"] in ("CT", "DX", "RF")]
count("BI-25C", with_rays, lambda one: one["done"], lambda of: {
    "exams": len(of), "withDose": number(of, lambda one: (one["trust"], one["exam"]) in doses),
    "shareWithDose": ratio(number(of, lambda one: (one["trust"], one["exam"]) in doses), len(of))})


def acknowledged(of):
    taken = [hours(moment(one["sent_at"]), moment(one["acknowledged_at"])) for one in of if "acknowledged_at" in one]
    return {"sent": len(of), "acknowledged": len(taken), "in24Hours": sum(1 for one in taken if one <= 24),
            "overdue": number(of, lambda one: "acknowledged_at" not in one
                              and hours(moment(one["sent_at"]), NOW) > 24),
            "shareIn24Hours": ratio(sum(1 for one in taken if one <= 24), len(of)),
            "medianHours": quantile(taken, 0.5)}


count("BI-26", world["csv"]["alert"], lambda one: moment(one["sent_at"]), acknowledged)
count("BI-27", world["csv"]["review"], lambda one: moment(one["reviewed_at"]), lambda of: {
    "reviewed": len(of), "discrepant": number(of, lambda one: one["grade"] not in ("0", "1")),
    "shareDiscrepant": ratio(number(of, lambda one: one["grade"] not in ("0", "1")), len(of))})
urgent = [{**one, "days": hours(one["requested"], one["verified"]) / 24} for one in verified if one["band"] == "P2"]


def diagnosed(of):
    return {"exams": len(of), "in7Days": number(of, lambda one: one["days"] <= 7),
            "in10Days": number(of, lambda one: one["days"] <= 10),
            "shareIn7Days": ratio(number(of, lambda one: one["days"] <= 7), len(of)),
            "shareIn10Days": ratio(number(of, lambda one: one["days"] <= 10), len(of)),
            "medianDays": quantile([one["days"] for one in of], 0.5)}


def longest(one):
    """Of two that took as long, the later."""
    steps = []
    if one["booked"]:
        steps.append((hours(one["requested"], one["booked"]), 0, "booking"))
    if one["began"]:
        steps.append((hours(one["booked"] or one["requested"], one["began"]), 1, "examination"))
    if one["done"]:
        steps.append((hours(one["done"], one["verified"]), 2, "report"))
    return max(steps)[2] if steps else "not told"


count("BI-28@1", urgent, lambda one: one["verified"], diagnosed)
count("BI-28", urgent, lambda one: one["verified"], lambda of: {
    **diagnosed(of), "over28Days": number(of, lambda one: one["days"] > 28)}, splits={"longest_step": longest})


def in_order(one):
    times = [one["requested"], one["received"], one["began"], one["done"], one["verified"]]
    told = [at for at in times if at]
    return told == sorted(told)


def quality(of):
    return {"exams": len(of), "nhsVerified": number(of, lambda one: one["status01"]),
            "codeMapped": number(of, lambda one: one["mapped"]), "timesInOrder": number(of, in_order),
            "reportLinked": number(of, lambda one: len(one["reports"]) > 0),
            "studyLinked": number(of, lambda one: one["study"])}


def faultless(one):
    return one["status01"] and one["mapped"] and in_order(one) and len(one["reports"]) > 0 and one["study"]


count("BI-29@1", done, lambda one: one["done"], quality)
count("BI-29", done, lambda one: one["done"], lambda of: {
    **quality(of), "faultless": number(of, faultless), "shareFaultless": ratio(number(of, faultless), len(of))})
json.dump(answers, sys.stdout)
