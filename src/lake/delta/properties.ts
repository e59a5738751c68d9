import { CHECKPOINT_EVERY_COMMITS } from './checkpoint.js'

/** Property that says in which format a table of ours is; absent from tables of other writers. */
export const FORMAT_PROPERTY = 'wardbook.formatVersion'

/** Newest format of a table: which properties it has. */
export const TABLE_FORMAT = 2

/** A hundred years. Delta takes days and weeks only: months and years are refused, as they are not equally long. */
const FOR_GOOD = 'interval 36500 days'

/**
 * What other engines are told of a table, so that their housekeeping leaves its history alone: findings cite versions and
 * files of long ago. They keep commits and checkpoints (log clean-up is off, and would begin after a hundred years), their vacuum
 * finds no file old enough, and they write checkpoints as often as we do. Writer version 2 knows all of them.
 * @see https://docs.delta.io/table-properties and docs/adr/0006
 */
const PROTECTION: Readonly<Record<string, string>> = {
  'delta.checkpointInterval': String(CHECKPOINT_EVERY_COMMITS),
  'delta.enableExpiredLogCleanup': 'false',
  'delta.logRetentionDuration': FOR_GOOD,
  'delta.deletedFileRetentionDuration': FOR_GOOD,
}

/** Properties of a new table. */
export const NEW_TABLE_PROPERTIES: Readonly<Record<string, string>> = {
  ...PROTECTION,
  [FORMAT_PROPERTY]: String(TABLE_FORMAT),
}

/**
 * The properties that a table of ours lacks to be of {@link TABLE_FORMAT}; undefined when it lacks none, or another writer made
 * it. What somebody has set on purpose stays as it is.
 * @param properties the table's `metaData.configuration`
 */
export function missingProperties(
  properties: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const format = Number(properties[FORMAT_PROPERTY])
  if (Number.isNaN(format) || format >= TABLE_FORMAT) return undefined
  const lacking = Object.entries(PROTECTION).filter(([name]) => properties[name] === undefined)
  return { ...Object.fromEntries(lacking), [FORMAT_PROPERTY]: String(TABLE_FORMAT) }
}
