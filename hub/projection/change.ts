/** A change of the projection, after its commit. */
export type Change =
  | { readonly kind: 'study'; readonly trust: string; readonly studyInstanceUID: string }
  | {
      readonly kind: 'record';
      readonly trust: string;
      readonly record: 'patient' | 'order' | 'report' | 'appointment';
    }
  | { readonly kind: 'fetch'; readonly fetchId: string }
  | { readonly kind: 'completeness'; readonly trust: string };
