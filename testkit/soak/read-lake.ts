import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PagedSourceConfig } from '../../src/contracts/source-config.js'
import { Spool } from '../../src/ingest/spool.js'
import { DeltaTable } from '../../src/lake/delta/table.js'
import { openLocalStore } from '../../src/lake/local/local-store.js'
import type { ObjectStore } from '../../src/lake/store.js'
import { tables } from '../../src/lake/tables.js'
import type { Offer } from '../../src/sources/source.js'
import { keysOf } from '../lake-fixture.js'
import { type World, worldOf } from '../same-world.js'
import { DATASET, SOURCE } from './read-city.js'

const RAW = tables.raw(DATASET, SOURCE)
const QUARANTINE = tables.quarantine('ingest', DATASET, SOURCE)

/** The lake as it is compared: its tables and their versions, names of data files, and what should not be there. */
export async function lakeWorld(lake: string): Promise<World> {
  const scratch = await readdir(join(lake, '.scratch')) // before anybody sweeps it
  const store = await openLocalStore(lake)
  const { files, events } = await worldOf(store)
  return {
    files: [
      ...files,
      ...(await versionsOf(store)),
      ...(await keysOf(store, `${RAW}/`)),
      ...(await keysOf(store, `${QUARANTINE}/`)),
      ...(await keysOf(store, 'spool/')),
      ...scratch.map((name) => `scratch ${name}`),
    ],
    events,
  }
}

async function versionsOf(store: ObjectStore): Promise<string[]> {
  const roots = [RAW, QUARANTINE, tables.runs('ingest'), tables.outbox('ingest')]
  const snapshots = await Promise.all(roots.map((root) => new DeltaTable(store, root).snapshot()))
  return roots.map((root, at) => `${root} is at version ${snapshots[at]?.version}`)
}

/** Requests of the pages that lie whole and recorded in the spool. */
export async function recordedPages(lake: string, source: PagedSourceConfig): Promise<Set<string>> {
  const store = await openLocalStore(lake)
  const root = `spool/${DATASET}/${SOURCE}`
  const spool = new Spool(store, root, source)
  const recorded = new Set<string>()
  for (const key of await keysOf(store, `${root}/`)) {
    if (!key.endsWith('/offer.json')) continue
    const { offer } = JSON.parse(Buffer.from((await store.get(key)) as Uint8Array).toString()) as {
      offer: Offer
    }
    const { pages } = await spool.resume(offer) // the same token and settings: nothing is thrown away
    for (const { record } of pages) {
      const { pathname, searchParams } = new URL(record.request.url)
      recorded.add(`${decodeURIComponent(pathname)}?${searchParams}`)
    }
  }
  return recorded
}
