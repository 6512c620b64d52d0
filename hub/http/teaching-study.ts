/** The study that somebody wants to mark for teaching: one that they are shown, of one home. */
import type { StudyDetail } from '../search/study.ts';
import { TeachingError } from '../teaching/teaching-error.ts';
import type { Sight } from './audited.ts';
import type { HttpParts } from './parts.ts';
import { requireStudies, studyAbsent } from './routes-studies.ts';

/** @throws HttpProblem as of a study; TeachingError `HOME_AMBIGUOUS` */
export function findDisclosedStudy(
  parts: HttpParts,
  sight: Pick<Sight, 'discloser' | 'saw'>,
  studyInstanceUID: string,
  home: string | undefined,
): StudyDetail {
  const [study, ...others] = requireStudies(parts, sight, studyInstanceUID, home);
  if (study === undefined) throw studyAbsent(parts, studyInstanceUID);
  if (others.length > 0)
    throw new TeachingError('HOME_AMBIGUOUS', 'Several trusts claim this study: name its home.');
  return study;
}
