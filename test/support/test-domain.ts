/**
 * Stands in for tap's `async-hook-domain` (test-process.ts). That one follows every promise by async hooks, up to a third of
 * a test's processor time, to know which test an error belongs to that nobody caught. Without it such an error ends the
 * file, as it would end a program: run-file.ts counts a failure, and Node says where it came from.
 */
export class Domain {
  destroy(): void {}
}
