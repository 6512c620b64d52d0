/** What DICOMweb keeps so that it is one read: gone with the series or the object that it is of. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const dicomWebSchema: readonly Migration[] = [
  {
    name: 'metadata of series',
    sql: `
CREATE TABLE series_metadata (
  series_key INTEGER PRIMARY KEY REFERENCES series ON DELETE CASCADE,
  -- of the objects that it was made of: others make it void
  content_key TEXT NOT NULL,
  -- a JSON array of all instances' attributes, gzip
  metadata BLOB NOT NULL
) STRICT;
`,
  },
  {
    name: 'where the frames of objects lie',
    sql: `
CREATE TABLE frame_layouts (
  instance_key INTEGER PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
  -- rows of another form are made anew
  form INTEGER NOT NULL,
  -- JSON: what the pixels are and where they begin, or why there are none
  layout TEXT NOT NULL,
  fragments BLOB
) STRICT;
`,
  },
];
