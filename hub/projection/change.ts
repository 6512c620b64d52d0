/** A change of the projection, after its commit. */
export type Change =
  | { readonly kind: 'study'; readonly trust: string; readonly studyInstanceUID: string }
  | { readonly kind: 'fetch'; readonly fetchId: string }
  | { readonly kind: 'completeness'; readonly trust: string };
