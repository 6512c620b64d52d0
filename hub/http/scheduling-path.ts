/** What stands in the path of a scheduling route, checked. */
import type * as z from 'zod';
import { DiaryDate, ResourceId } from './schemas-scheduling.ts';
import { validate } from './validate.ts';

/** @throws HttpProblem `VALIDATION_FAILED`; so below */
export const requireId = (text: string | undefined): string => of(ResourceId, text);
export const requireDate = (text: string | undefined): string => of(DiaryDate, text);

const of = (schema: z.ZodType<string>, text: string | undefined): string =>
  validate(schema, text, 'path');
