/** All ways to bring from a PACS. */
import { type DimseMethodOptions, dimseMethods } from './dimse-methods.ts';
import type { MethodName, RetrieveMethod } from './method.ts';
import { wadoMethod } from './wado-method.ts';

export const retrieveMethods = (
  options: DimseMethodOptions,
): Readonly<Record<MethodName, RetrieveMethod>> => ({
  ...dimseMethods(options),
  'wado-rs': wadoMethod(options),
});
