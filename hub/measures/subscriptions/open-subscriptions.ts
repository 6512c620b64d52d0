/** Opens the file of subscriptions, beside the store of the measures: `measures/subscriptions.sqlite`. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openSqlite } from '../../../shared/sqlite/open.ts';
import { subscriptionSchema } from './schema.ts';
import { Subscriptions, type SubscriptionsOptions } from './subscriptions.ts';

export function openSubscriptions(
  dataDirectory: string,
  options: Omit<SubscriptionsOptions, 'db'>,
): Subscriptions {
  const directory = join(dataDirectory, 'measures');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const db = openSqlite(join(directory, 'subscriptions.sqlite'), subscriptionSchema);
  return new Subscriptions({ ...options, db });
}
