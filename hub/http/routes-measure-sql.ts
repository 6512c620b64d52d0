/** SQL of an analyst's own, over marts that can show no more than they may. */
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { SqlAsked, SqlTableAnswer } from './schemas-measures.ts';

export function measureSqlRoutes({ measures }: Pick<HttpParts, 'measures'>): ApiRoute[] {
  return [
    apiRoute({
      method: 'POST',
      path: '/api/measures/sql',
      summary:
        'One SELECT over the figures of the measures; for an approved purpose, over pseudonymous rows',
      action: 'sql',
      audit: 'look',
      body: SqlAsked,
      answer: { status: 200, schema: SqlTableAnswer },
      problems: ['SQL_REFUSED', 'SQL_PURPOSE', 'SQL_TOO_LONG', 'SQL_BUSY', 'MEASURES_NOT_BUILT'],
      run: ({ body: { sql, purpose }, principal, note }) => {
        note({ sql: sql.slice(0, 4_000) });
        return measures.sql({ sql, purpose: purpose ?? null, person: principal.name });
      },
    }),
  ];
}
