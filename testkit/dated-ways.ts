import { startArcgisPortal } from '../src/demo/portals/arcgis/arcgis-portal.js'
import { SERVER_10_1 } from '../src/demo/portals/arcgis/variant.js'
import { startLegistarPortal } from '../src/demo/portals/legistar/legistar-portal.js'
import type { PortalHooks, PortalRequest, RunningPortal } from '../src/demo/portals/portal-server.js'
import type { PortalTable } from '../src/demo/portals/portal-table.js'
import { startSocrataPortal } from '../src/demo/portals/socrata/socrata-portal.js'
import { SnapshotProvenance } from '../src/ingest/settle.js'
import { DeltaTable } from '../src/lake/delta/table.js'
import type { ObjectStore } from '../src/lake/store.js'
import { tables } from '../src/lake/tables.js'
import { isArcgisPage } from './arcgis-trial.js'
import { EDITED } from './edited-table.js'
import { queryTable } from './lake-fixture.js'
import { asksForRows } from './portal-faults.js'
import { DATASET, SOURCE, testCity } from './test-city.js'

const RAW = tables.raw(DATASET, SOURCE)
/** When the first publication of a trial was made. */
export const BEGAN = Date.UTC(2026, 0, 1)
const ID = 'abcd-1234'

/** A way to read a table whose rows are dated. */
export interface DatedWay {
  readonly showsEdits: boolean
  /** Whether the portal says that no key stands twice. */
  readonly promisesKeys: boolean
  start(table: () => PortalTable, hooks?: PortalHooks): Promise<RunningPortal>
  source(url: string): object
  asks(request: PortalRequest): boolean
}

const socrata = (settings: object, promisesKeys = true): DatedWay => ({
  promisesKeys,
  showsEdits: false,
  start: (table, hooks) => startSocrataPortal(() => [table()], {}, hooks),
  source: (portal) => ({ family: 'socrata', portal, datasets: [ID], ...settings }),
  asks: asksForRows,
})
const arcgis = (variant: object): DatedWay => ({
  promisesKeys: false,
  showsEdits: true,
  start: (table, hooks) => startArcgisPortal(() => [table()], { ...variant, editDateField: EDITED }, hooks),
  source: (url) => ({
    family: 'arcgis',
    service: `${url}/arcgis/rest/services/Requests/FeatureServer`,
    pageRows: 7,
  }),
  asks: isArcgisPage,
})

/** A council's events that are those rows: by id, dated by the database. */
function asEvents(table: PortalTable): PortalTable {
  const { columns, rowCount } = table
  const id = (index: number) => table.rowId?.(index) ?? index
  const editedAt = (index: number) =>
    new Date(table.rowUpdatedAt?.(index) ?? table.updatedAt).toISOString().slice(0, -1)
  return {
    ...{ id: 'events', name: 'events', updatedAt: table.updatedAt, rowCount },
    columns: [
      { name: 'EventId', type: 'number' },
      ...columns,
      { name: 'EventLastModifiedUtc', type: 'date' },
      { name: 'EventAgendaLastPublishedUTC', type: 'date' },
      { name: 'EventMinutesLastPublishedUTC', type: 'date' },
    ],
    row: (index) => [String(id(index) + 1), ...table.row(index), editedAt(index), null, null],
  }
}
const legistar: DatedWay = {
  promisesKeys: false,
  showsEdits: false,
  start: (table, hooks) => startLegistarPortal(() => [asEvents(table())], { client: 'pocket' }, hooks),
  source: (url) => ({
    family: 'legistar',
    api: `${url}/v1`,
    client: 'pocket',
    records: 'events',
    pageRows: 7,
  }),
  asks: ({ query }) => query.get('$top') === '7',
}

/** Ways by name. */
export const DATED_WAYS: Readonly<Record<string, DatedWay>> = {
  'Socrata export': socrata({ read: 'export' }),
  'Socrata export, SODA 3': socrata({ read: 'export', api: 'soda3' }),
  'Socrata pages': socrata({ read: 'pages', pageRows: 7 }),
  'Socrata export without row identifier': socrata({ read: 'export' }, false),
  'ArcGIS pages': arcgis({}),
  'ArcGIS ranges': arcgis(SERVER_10_1),
  'Legistar lists': legistar,
}

/** A city whose one source is read in a way. @param source, dataset settings besides */
export function datedCity(way: DatedWay, url: string, source: object = {}, dataset: object = {}) {
  const partition = { column: 'council_district', from: 'district' }
  return testCity({
    source: { ...way.source(url), ...source },
    dataset: { partition, key: 'number', ...dataset },
  })
}

/** Rows of the table as text, without their pages. */
export async function rowsIn(store: ObjectStore): Promise<string[]> {
  const rows = await queryTable<object>(
    store,
    RAW,
    'SELECT * EXCLUDE (_source_page) REPLACE (_row_hash::VARCHAR AS _row_hash) FROM {table} ORDER BY ALL',
  )
  return rows.map((row) => JSON.stringify(row))
}

/** What the newest commit says of itself. */
export async function provenanceIn(store: ObjectStore): Promise<SnapshotProvenance> {
  const table = new DeltaTable(store, RAW)
  const snapshot = await table.snapshot()
  const appId = [...(snapshot?.positions.keys() ?? [])].at(-1) as string
  return SnapshotProvenance.parse((await table.lastCommitOf(appId))?.provenance)
}

/** Rows by page, as the table has them and as its commit says. */
export async function pagesIn(store: ObjectStore) {
  const counted = await queryTable<{ page: number; rows: number }>(
    store,
    RAW,
    'SELECT _source_page AS page, count(*) AS rows FROM {table} GROUP BY 1 ORDER BY 1',
  )
  const told = (await provenanceIn(store)).pages
    .filter(({ rowsIn }) => rowsIn > 0)
    .map(({ page, rowsIn: rows }) => ({ page, rows }))
  return { counted: counted.map((row) => ({ ...row })), told }
}
