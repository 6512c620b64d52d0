/** Studies and patients over all trusts. Every answer says which trusts it speaks for. */

import { mayBrowse } from '../access/rules.ts';
import { subjectsOfStudies } from '../audit/subjects.ts';
import type { Answered } from '../fleet/fleet.ts';
import type { Discloser } from '../relations/disclosure.ts';
import { findDisclosed } from '../relations/find-studies.ts';
import { reportsFor } from '../reports/of-study.ts';
import type { ReportView } from '../reports/reports.ts';
import { hasKey, NEEDS_KEY } from '../search/query.ts';
import type { StudyView } from '../search/rows.ts';
import { findStudy, findWithdrawal, type StudyDetail } from '../search/study.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { Sight } from './audited.ts';
import { refusalFor, withheldJson } from './disclosed.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { NoQuery, StudiesAnswer, StudiesQuery, StudyFoundAnswer } from './schemas.ts';

/** The part of an answer that says whom it speaks for, as the contract has it. */
export const answeredJson = (answered: readonly Answered[]): object[] =>
  answered.map(({ trust, ok, asOf, reason }) => ({
    trust,
    ok,
    asOf,
    ...(reason === undefined ? {} : { reason }),
  }));

/** How a trust is called in this network; its code when the configuration does not list it. */
export function trustName(parts: Pick<HttpParts, 'config'>, ods: string): string {
  return parts.config.trusts.find((trust) => trust.ods === ods)?.name ?? ods;
}

export function studyRoutes(parts: HttpParts): ApiRoute[] {
  const { db } = parts.projection;
  const answered = (): object[] => answeredJson(parts.fleet.answered());
  const named = <S extends StudyView>(study: S): S & { trustName: string } => ({
    ...study,
    trustName: trustName(parts, study.home),
  });
  return [
    apiRoute({
      method: 'GET',
      path: '/api/studies',
      summary: 'Studies of all trusts that match, newest first',
      action: 'search',
      audit: 'search',
      query: StudiesQuery,
      answer: { status: 200, schema: StudiesAnswer },
      problems: ['VALIDATION_FAILED', 'INVALID_NHS_NUMBER'],
      run: ({ query: { limit, offset, ...query }, principal, discloser, saw }) => {
        if (!hasKey(query) && !mayBrowse(principal))
          throw new HttpProblem('VALIDATION_FAILED', `query: ${NEEDS_KEY}`, {
            faults: [{ path: 'query', code: 'INVALID', message: NEEDS_KEY }],
          });
        const asked = { query, page: { limit, offset } };
        const { studies, total, withheld } = findDisclosed(db, discloser, asked);
        saw(subjectsOfStudies(studies));
        const rest = { withheld: withheldJson(withheld), answered: answered() };
        return { studies: studies.map(named), total, limit, offset, ...rest };
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/studies/:uid',
      summary: 'One study: its series, its home, who holds copies',
      action: 'search',
      audit: 'look',
      query: NoQuery,
      answer: { status: 200, schema: StudyFoundAnswer },
      problems: ['STUDY_UNKNOWN', 'STUDY_WITHDRAWN', 'RELATIONSHIP_NEEDED', 'RESTRICTED'],
      run: ({ path, principal, discloser, saw }) => {
        const mayRead = parts.access.refuse(principal, 'view') === null;
        const found = requireStudies(parts, { discloser, saw }, path['uid'] ?? '');
        const [first, ...others] = found.map((study) => ({
          ...named(study),
          reports: mayRead ? shownReports(parts, discloser, study) : [],
        }));
        return { ...first, alsoClaimedBy: others, answered: answered() };
      },
    }),
  ];
}

/** The reports of a study that the asker may read: one of another trust is that trust's record. */
export function shownReports(
  { projection: { db } }: Pick<HttpParts, 'projection'>,
  discloser: Discloser,
  study: StudyDetail,
): ReportView[] {
  return reportsFor(db, study).filter((report) => discloser.report(report).kind === 'shown');
}

/**
 * The study of each trust that claims it, of those that the asker may see: at least one. Who asked for one that is
 * not shown is in the audit trail with it.
 *
 * @throws HttpProblem as {@link studyAbsent}, `RELATIONSHIP_NEEDED`, `RESTRICTED`
 */
export function requireStudies(
  parts: Pick<HttpParts, 'projection' | 'fleet' | 'config'>,
  { discloser, saw }: Pick<Sight, 'discloser' | 'saw'>,
  uid: string,
  home?: string,
): StudyDetail[] {
  const found = findStudy(parts.projection.db, uid).filter(
    (one) => home === undefined || one.home === home,
  );
  const decided = found.map((study) => ({ study, decision: discloser.study(study) }));
  const shown = decided.filter(({ decision }) => decision.kind === 'shown');
  const named = (shown.length > 0 ? shown : decided).map(({ study }) => study);
  if (named.length > 0) saw(subjectsOfStudies(named));
  if (shown.length > 0) return shown.map(({ study }) => discloser.masked(study));
  const decisions = decided.map(({ decision }) => decision);
  throw refusalFor(decisions, discloser.asker, () => studyAbsent(parts, uid), uid);
}

/**
 * Its home took it back, so that copies are not shown either; else nobody has told of it, and whether that means
 * anything depends on who was silent.
 */
export function studyAbsent(
  parts: Pick<HttpParts, 'projection' | 'fleet' | 'config'>,
  uid: string,
): HttpProblem {
  const answered = answeredJson(parts.fleet.answered());
  const withdrawal = findWithdrawal(parts.projection.db, uid);
  if (withdrawal !== undefined) {
    const { home } = withdrawal;
    const detail = `${trustName(parts, home)} (${home}) no longer holds this study. Copies of it are not shown.`;
    return new HttpProblem('STUDY_WITHDRAWN', detail, { members: { ...withdrawal, answered } });
  }
  const detail = 'No trust has told of this study. See `answered` for those that are silent.';
  return new HttpProblem('STUDY_UNKNOWN', detail, { members: { answered } });
}
