/** `/measures/sql`: an analyst's own SQL, with what there is to be asked. */
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { dimensionsOf } from '../measures/answer.ts';
import { mainCount } from '../measures/measure.ts';
import { readForm } from './forms.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';

const SHOWN_ROWS = 500;
const FIRST = `SELECT trust, sum(exams) AS exams, sum(within28Days) / sum(reported) AS within
FROM bi_14 WHERE month >= '2026-01' GROUP BY trust ORDER BY trust`;

export function measureSqlPages({
  measures,
  config,
}: Pick<HttpParts, 'measures' | 'config'>): Page[] {
  const show = (call: PageCall, values: object): string =>
    call.render('measure-sql.njk', {
      title: 'Ask by SQL',
      section: 'measures',
      sql: FIRST,
      purposes: config.measures.purposes.filter(({ people }) =>
        people.includes(call.principal.name),
      ),
      tables: measures.definitions.map((measure) => ({
        name: measure.id.replaceAll('-', '_').toLowerCase(),
        ...{ id: measure.id, title: measure.name, total: mainCount(measure) },
        columns: [
          ...dimensionsOf(measure),
          ...measure.counts.map(({ name }) => name),
          ...(measure.sums ?? []).map(({ name }) => name),
        ],
      })),
      ...values,
    });
  return [
    {
      ...{ method: 'GET', path: '/measures/sql', action: 'sql', audit: null },
      run: (call) => show(call, {}),
    },
    {
      ...{ method: 'POST', path: '/measures/sql', action: 'sql', audit: 'look' },
      run: async (call) => {
        const { sql = '', purpose } = readForm(call.request.body);
        const asked = { sql, purpose };
        call.note({ sql: sql.slice(0, 4_000) });
        try {
          const { columns, rows, isCut } = await measures.sql({
            ...{ sql, purpose: purpose ?? null, person: call.principal.name },
          });
          return show(call, {
            ...asked,
            answer: {
              columns,
              rows: rows.slice(0, SHOWN_ROWS).map(textOf),
              total: rows.length,
              isCut,
            },
          });
        } catch (error) {
          if (!(error instanceof GatewayError) || codeOf(error) === 'MEASURES_NOT_BUILT')
            throw error;
          call.reply.status(422);
          return show(call, { ...asked, refused: error.message });
        }
      },
    },
  ];
}

const textOf = (row: readonly (string | number | boolean | null)[]): string[] =>
  row.map((value) => (value === null ? '–' : String(value)));
