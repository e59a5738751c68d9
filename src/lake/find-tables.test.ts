import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { findTables } from './find-tables.js'

let lake: TestLake
beforeEach(async () => {
  lake = await makeLake()
})
afterEach(() => lake.remove())

describe('the tables of a lake', () => {
  it('are found below every prefix that holds tables, each with its owner, ascending', async () => {
    const owners = {
      'features/calls/daily': 'correlate',
      findings: 'ledger',
      links: 'correlate',
      'outbox/detect': 'detect',
      'power/entities': 'power',
      'quarantine/harmonize/calls/portal': 'harmonize',
      'raw/calls/portal': 'ingest',
      'runs/ingest': 'ingest',
      'series/calls': 'measure',
      'tidy/calls': 'harmonize',
    }
    for (const root of Object.keys(owners)) await write(`${root}/_delta_log/00000000000000000000.json`)
    const expected = Object.entries(owners).map(([root, owner]) => ({ root, owner }))
    expect(await findTables(lake.store)).toEqual(expected)
  })

  it('are none where no log is, and none below prefixes of other things', async () => {
    for (const key of [
      'lake.json',
      'tidy/calls/part.parquet',
      'private/_delta_log/0',
      'spool/a/b/_delta_log/0',
    ])
      await write(key)
    expect(await findTables(lake.store)).toEqual([])
  })
})

async function write(key: string): Promise<void> {
  await lake.store.createIfAbsent(key, new Uint8Array(1))
}
