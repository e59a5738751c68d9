import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inChunks } from '../../testkit/chunks.js'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { MAX_RECORD_BYTES } from '../sources/files/read-csv.js'
import { divideDivisions } from './divide-divisions.js'
import { divisionFromColumn } from './division-rule.js'
import { PageSplitter } from './split-pages.js'

describe('dividing a division', () => {
  let folder: string
  let lake: TestLake
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wardbook-divide-'))
    lake = await makeLake()
  })
  afterEach(async () => {
    await rm(folder, { recursive: true })
    await lake.remove()
  })

  /** A row of so many bytes, whose note is of these characters. */
  const longRow = (id: string, character: string, bytes: number) => {
    const start = `${id},7,"`
    return `${start}${character.repeat((bytes - start.length - 1) / character.length)}"`
  }
  const filler = Array.from({ length: 2_000 }, (_, at) => `${at},7,a note`)

  it.each([
    ['has line feeds', longRow('long', '\n', MAX_RECORD_BYTES)],
    ['has none', longRow('long', 'x', MAX_RECORD_BYTES)],
    ['grows as its quotes are doubled', `long,7,a${'"'.repeat(800_000)}`],
  ])('loses no row, also where one of the longest length %s', async (_what, row) => {
    const splitter = await PageSplitter.open(
      join(folder, 'rows'),
      divisionFromColumn({ column: 'district', values: {} }),
    )
    const text = `id,district,note\n${[...filler, row].join('\n')}\n`
    const page = { page: 0, url: 'a.csv', delimiter: ',', emptyIsNull: false }
    const { goodRows } = await splitter.take({ ...page, bytes: inChunks(Buffer.from(text)) })
    expect(goodRows).toBe(2_001)
    const { divisions } = await splitter.finish()
    await mkdir(join(folder, 'divided'))
    const parts = await divideDivisions(lake.store, {
      table: 'raw/a/b',
      layouts: [{ columns: ['id', 'district', 'note'], delimiter: ',', emptyIsNull: false }],
      key: 'id',
      budget: { maxRows: 1_500, maxUncompressedBytes: 2 ** 28 },
      folder: join(folder, 'divided'),
      divisions,
    })
    expect(parts.length).toBeGreaterThan(1)
    expect(parts.reduce((sum, { rows }) => sum + rows, 0)).toBe(2_001)
  })
})
