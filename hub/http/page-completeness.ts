/** `/completeness`: per trust, what it holds and what the hub shows of it, kept live. */
import type { Page } from './pages.ts';
import type { HttpParts } from './parts.ts';

export function completenessPage(parts: HttpParts): Page[] {
  const shown = (): object => {
    const edges = new Map(parts.fleet.list().map((edge) => [edge.trust, edge]));
    return {
      answered: parts.fleet.answered(),
      trusts: parts.projection
        .completeness()
        .map((row) => ({ ...row, there: row.there ?? {}, edge: edges.get(row.trust) ?? {} })),
    };
  };
  return [
    {
      method: 'GET',
      path: '/completeness',
      action: 'watch',
      audit: null,
      run: ({ render }) =>
        render('completeness.njk', {
          ...shown(),
          title: 'Completeness',
          section: 'completeness',
          refreshSeconds: 10,
        }),
    },
    {
      method: 'GET',
      path: '/completeness/live',
      action: 'watch',
      audit: null,
      run: ({ render }) => render('completeness-live.njk', shown()),
    },
  ];
}
