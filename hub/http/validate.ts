/** Input against its schema: the value, or one problem that lists every fault with its path. */
import type * as z from 'zod';
import { INVALID_NHS_NUMBER } from '../search/query.ts';
import { type Fault, HttpProblem } from './problem.ts';

/** @throws HttpProblem `VALIDATION_FAILED`, or `INVALID_NHS_NUMBER` when that is among the faults */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  where: 'query' | 'path' | 'body',
): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.flatMap((issue) => faultsOf(issue, where));
  const code = faults.some((fault) => fault.code === INVALID_NHS_NUMBER)
    ? 'INVALID_NHS_NUMBER'
    : 'VALIDATION_FAILED';
  const detail = faults.map((fault) => `${fault.path}: ${fault.message}`).join('; ');
  throw new HttpProblem(code, detail, { faults });
}

function faultsOf(issue: z.core.$ZodIssue, where: string): Fault[] {
  const path = [where, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: `${path}.${key}`,
      code: 'UNKNOWN_FIELD',
      message: 'is not known here',
    }));
  const params = issue.code === 'custom' ? issue.params : undefined;
  const code = typeof params?.['code'] === 'string' ? params['code'] : codeOfIssue(issue);
  return [{ path, code, message: issue.message }];
}

function codeOfIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'MISSING';
  return issue.code === 'custom' ? 'INVALID' : issue.code.toUpperCase();
}
