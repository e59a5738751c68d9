import type { PortalHooks, RunningPortal } from '../src/demo/portals/portal-server.js'
import type { PortalCell, PortalTable, PortalType } from '../src/demo/portals/portal-table.js'
import { tableOfRows } from '../src/demo/portals/portal-table.js'
import { DEFAULT_PATIENCE, httpClient } from '../src/sources/http/client.js'
import type { PortalTools } from '../src/sources/portal-tools.js'
import type { SourceRow } from './read-source.js'

/** A portal whose faults can be changed while it runs. */
export interface TrialPortal {
  readonly portal: RunningPortal
  /** From now on, this goes wrong; nothing: all is well. */
  misbehave(faults?: PortalHooks): void
}

export async function startTrialPortal(
  start: (hooks: PortalHooks) => Promise<RunningPortal>,
): Promise<TrialPortal> {
  let faults: PortalHooks = {}
  const portal = await start({
    rewrite: (request) => faults.rewrite?.(request) ?? request,
    alter: (request, answer) => faults.alter?.(request, answer) ?? answer,
  })
  return {
    portal,
    misbehave: (next = {}) => {
      faults = next
    },
  }
}

/** 2026-06-15: years up to this one have to be there. */
export const TRIAL_NOW = Date.UTC(2026, 5, 15)

/** Tools over the network of this machine, or what replaces it; waits between tries pass at once. */
export function trialTools(
  env: Readonly<Record<string, string>> = {},
  fetcher: typeof fetch = fetch,
): PortalTools {
  let waited = 0
  const effects = {
    fetch: fetcher,
    now: () => waited,
    sleep: async (ms: number) => {
      waited += ms
    },
    random: () => 0,
  }
  return { http: httpClient(effects, { ...DEFAULT_PATIENCE, tries: 3 }), env, now: () => TRIAL_NOW }
}

/** A table of any cells whose columns are called and typed like this. */
export function trialTable(
  types: Readonly<Record<string, PortalType>>,
  rows: readonly (readonly PortalCell[])[],
  about: Partial<PortalTable> = {},
): PortalTable {
  const columns = Object.entries(types).map(([name, type]) => ({ name, type }))
  const standard = { id: 'abcd-1234', name: 'Service Requests', updatedAt: Date.UTC(2026, 0, 31), columns }
  return tableOfRows({ ...standard, ...about }, rows)
}

/** Requests of a small city: all types, nulls, empty texts, awkward texts, numbers in forms that no number survives. */
export const TRIAL_TYPES = {
  sr_number: 'text',
  opened: 'date',
  amount: 'number',
  emergency: 'boolean',
  place: 'json',
  note: 'text',
} as const

const NOTES = [
  'plain',
  '',
  'two\nlines',
  'a "quoted" word',
  'comma, and; more',
  ' blanks ',
  'Straße 中 🏙',
  null,
]
const AMOUNTS = ['12.50', '-0', '123456789012345678901234567890', '1E-7', '0.10', null]

/** So many rows, all different. */
export function trialRows(count: number): readonly (readonly PortalCell[])[] {
  return Array.from({ length: count }, (_none, index) => [
    `SR-${String(index).padStart(5, '0')}`,
    `2025-01-${String((index % 28) + 1).padStart(2, '0')}T08:00:00.000`,
    AMOUNTS[index % AMOUNTS.length] ?? null,
    index % 3 === 0 ? null : String(index % 2 === 0),
    index % 5 === 0 ? null : `{"type":"Point","coordinates":[-71.05${index},42.30]}`,
    NOTES[index % NOTES.length] ?? null,
  ])
}

/** Rows by column, as a source has to give them. */
export function asSourceRows(table: PortalTable): readonly SourceRow[] {
  return Array.from({ length: table.rowCount }, (_none, index) =>
    Object.fromEntries(table.columns.map(({ name }, at) => [name, table.row(index)[at] ?? null])),
  )
}
