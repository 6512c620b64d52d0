/** Pages from nunjucks templates: the NHS design system's macros, our layout. Everything is escaped unless a template says otherwise. */
import { join } from 'node:path';
import nunjucks from 'nunjucks';
import { NHSUK_FRONTEND } from './assets.ts';
import * as format from './format.ts';
import { STATE_WORDS } from './states.ts';

export interface Pages {
  /** @param template file name under `templates/` */
  render(template: string, values: object): string;
}

export function openPages(): Pages {
  const folders = [join(import.meta.dirname, 'templates'), NHSUK_FRONTEND];
  const loader = new nunjucks.FileSystemLoader(folders, { noCache: false });
  const environment = new nunjucks.Environment(loader, {
    autoescape: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  environment.addFilter('personName', format.personName);
  environment.addFilter('day', format.day);
  environment.addFilter('minutes', format.minutes);
  environment.addFilter('moment', (at: string | null) => format.moment(at, Date.now()));
  environment.addFilter('count', format.count);
  environment.addFilter('bytes', format.bytes);
  environment.addFilter('duration', format.duration);
  environment.addFilter('nhsNumber', format.nhsNumber);
  environment.addFilter('plural', format.plural);
  environment.addFilter('timeOfDay', format.timeOfDay);
  environment.addFilter('dayInFull', format.dayInFull);
  environment.addGlobal('STATE_WORDS', STATE_WORDS);
  return { render: (template, values) => environment.render(template, values) };
}
