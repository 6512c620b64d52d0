/** Loaded before each test file (run-file.ts): tap finds our {@link file://./test-domain.ts} in place of its own. */
import { registerHooks } from 'node:module';

const OURS = new URL('test-domain.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'async-hook-domain'
      ? { url: OURS, format: 'module-typescript', shortCircuit: true }
      : next(specifier, context),
});
