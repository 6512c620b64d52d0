/**
 * Compares what a trust says it holds with our rows, day by day, in the transaction that applies the
 * saying: the events before it are applied, those behind it not, so an unequal digest is a difference.
 */
import type { Bucket, DigestEvent } from '../../shared/contract/events.ts';
import type { Nearline } from '../../shared/held-counts.ts';
import { EMPTY_SET_HASH, studyHash, toggleMember } from '../../shared/set-hash.ts';
import type { ProjectionStatements, StudySetRow } from './statements.ts';

/** @returns the days that differ */
export function applyDigest(
  statements: ProjectionStatements,
  event: DigestEvent,
  now: string,
): string[] {
  const { trust, at: saidAt } = event;
  for (const { day, studies } of event.members ?? [])
    dropOthers(statements, { trust, day, studies });
  const said = new Map(event.buckets.map((bucket) => [bucket.day, bucket]));
  if (event.whole) addUnnamedDays(statements, trust, said);
  const differing: string[] = [];
  for (const [day, bucket] of said) {
    const here = bucketOf(statements, trust, day);
    const isEqual =
      here.digest === bucket.digest &&
      here.studies === bucket.studies &&
      here.series === bucket.series &&
      here.instances === bucket.instances;
    if (!isEqual) differing.push(day);
    if (isEqual && bucket.studies === 0) statements.dropDigest.run(trust, day);
    else statements.setDigest.run({ ...bucket, trust, equal: Number(isEqual), saidAt, now });
  }
  return differing;
}

/** Of a whole digest: a day that we hold and it does not name is empty there. */
function addUnnamedDays(
  statements: ProjectionStatements,
  trust: string,
  said: Map<string, Bucket>,
): void {
  const ours = statements.daysOf.pluck().all(trust) as string[];
  const before = statements.digestDays.pluck().all(trust) as string[];
  for (const day of [...ours, ...before]) {
    if (!said.has(day))
      said.set(day, { day, studies: 0, series: 0, instances: 0, digest: EMPTY_SET_HASH });
  }
}

function bucketOf(statements: ProjectionStatements, trust: string, day: string): Bucket {
  const bucket = { day, studies: 0, series: 0, instances: 0, digest: EMPTY_SET_HASH };
  for (const study of statements.studiesOn.all(trust, day)) {
    bucket.studies += 1;
    bucket.series += study.series;
    bucket.instances += study.instances;
    bucket.digest = toggleMember(
      bucket.digest,
      studyHash({ ...study, nearline: nearlineOf(study) }),
    );
  }
  return bucket;
}

function nearlineOf(row: StudySetRow): Nearline | null {
  const { nearlineSeries: series, nearlineInstances: instances, nearlineModalities } = row;
  if (nearlineModalities === null) return null;
  const modalities = nearlineModalities === '' ? [] : nearlineModalities.split('\\');
  return { series, instances, modalities };
}

/** The trust listed what it holds on that day: what is not listed is not there. */
function dropOthers(
  statements: ProjectionStatements,
  {
    trust,
    day,
    studies,
  }: {
    trust: string;
    day: string;
    studies: readonly { studyInstanceUID: string; home: string }[];
  },
): void {
  const members = new Set(
    studies.map(({ studyInstanceUID, home }) => `${studyInstanceUID} ${home}`),
  );
  for (const { studyInstanceUID, home } of statements.studiesOn.all(trust, day)) {
    if (!members.has(`${studyInstanceUID} ${home}`))
      statements.deleteStudy.run(trust, studyInstanceUID, home);
  }
}
