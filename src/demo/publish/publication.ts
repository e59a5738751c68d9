import type { DatasetId } from '../city/catalog.js'
import type { CityRecord } from '../city/records.js'
import type { PortalCell, PortalType } from '../portals/portal-table.js'

/** What a publisher knows of a record on the day that it publishes. */
export interface PublishedRecord {
  readonly record: CityRecord
  /** The day, a number of the simulation, until which everything is told. */
  readonly asOf: number
}

/** A column as one publisher has it. */
export interface PublishedColumn {
  readonly name: string
  readonly type: PortalType
  /** The field of the harmonized table that it means; absent for a column that means none. */
  readonly field?: string
  cell(published: PublishedRecord): PortalCell
}

/** One table of a portal: some records of a dataset, as its publisher writes them. */
export interface Publication {
  readonly dataset: DatasetId
  /** Name of the source in the city file. */
  readonly source: string
  /** As the portal family wants it. */
  readonly id: string
  readonly name: string
  readonly keyColumn: string
  /** Days on which its records were entered, numbers of the simulation, half-open. */
  readonly from: number
  readonly to: number
  /** Last day of its changes: the file of a closed year stands still. */
  readonly closedOn?: number
  /** Days after {@link closedOn} on which it was published anew. */
  readonly reopenedOn?: readonly number[]
  readonly timeZone: string
  readonly formats: readonly string[]
  /** The publisher's label of each of the city's categories, in their order. */
  readonly labels: readonly string[]
  readonly columns: readonly PublishedColumn[]
  /** Which records of those days it has; default: all. */
  holds?(record: CityRecord): boolean
}
