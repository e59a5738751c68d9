import type { Column } from '../contracts/columns.js'
import type { Snapshot } from './delta/snapshot.js'
import type { Change } from './delta/table.js'
import { withPartition } from './tables.js'

/** The schema for a commit when the table is new or its columns changed; nothing when it has this schema already. */
export function schemaChange(
  base: Snapshot | undefined,
  stored: readonly Column[],
  partitionColumns: readonly string[],
): Pick<Change, 'schema'> {
  const columns = withPartition(stored, partitionColumns)
  return base !== undefined && shape(base.columns, base.partitionColumns) === shape(columns, partitionColumns)
    ? {}
    : { schema: { columns, partitionColumns } }
}

function shape(columns: readonly Column[], partitionColumns: readonly string[]): string {
  return JSON.stringify([columns.map(described), partitionColumns])
}

function described({ name, type, metadata }: Column) {
  return [name, type, Object.entries(metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))]
}
