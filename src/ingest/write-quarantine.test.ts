import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { writeQuarantine } from './write-quarantine.js'

let lake: TestLake
let folder: string
beforeEach(async () => {
  lake = await makeLake()
  folder = await mkdtemp(join(tmpdir(), 'wardbook-bad-rows-'))
})
afterEach(async () => {
  await lake.remove()
  await rm(folder, { recursive: true, force: true })
})

function* badRows(count: number, textBytes: number): Iterable<string> {
  const text = 'Street light out, "corner of Elm". '.repeat(Math.ceil(textBytes / 35))
  for (let row = 0; row < count; row++) {
    const place = { page: 0, url: 'calls.csv', line: row + 2, byteOffset: row * textBytes }
    const what = { reason: 'too-few-columns', detail: null, rawText: `${row},${text}` }
    yield `${JSON.stringify({ ...place, ...what })}\n`
  }
}

describe('the worker that writes bad rows', () => {
  it('writes 80 MB of them in the memory of its engine', async () => {
    const file = join(folder, 'bad.ndjson')
    await pipeline(Readable.from(badRows(40_000, 2_000)), createWriteStream(file))
    const job = {
      ...{ table: 'quarantine/ingest/calls/portal', snapshot: 0, partitionColumn: 'council_district' },
      badRows: file,
    }
    const [part, ...others] = await writeQuarantine(lake.store, job)
    expect(others).toEqual([])
    expect(part?.rows).toBe(40_000)
  })
})
