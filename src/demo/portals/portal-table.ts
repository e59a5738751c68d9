import type { Json } from '../../kernel/ids.js'

/** One column of a table that portals publish; each portal has its own word for the type. */
export interface PortalColumn {
  readonly name: string
  readonly type: 'text' | 'number' | 'boolean' | 'timestamp' | 'point' | 'json'
}

/** A row by column name; a missing key and null are both "no value". A timestamp is ISO 8601 UTC, a point `{ longitude, latitude }`. */
export type PortalRow = Readonly<Record<string, Json | undefined>>

/** A table as any of the portals may publish it. */
export interface PortalTable {
  readonly id: string
  readonly name: string
  readonly columns: readonly PortalColumn[]
  /** As often as asked, in one order. */
  readonly rows: Iterable<PortalRow>
  /** When it was last changed, ISO 8601 UTC. */
  readonly updatedAt?: string
}
