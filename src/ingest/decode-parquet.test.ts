import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readDecoded } from '../../testkit/page-body.js'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import { decodePageWith } from '../sources/decode/decode-page.js'
import { decodeParquet } from './decode-parquet.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-decode-parquet-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('a page that is Parquet', () => {
  it('is read like any other file', async () => {
    const file = join(folder, 'page')
    await withEngine(LEAN, folder, (engine) =>
      engine.run(
        `COPY (SELECT '07' AS ward, NULL AS note UNION ALL SELECT '7', '') TO '${file}' (FORMAT parquet)`,
      ),
    )
    const body = { name: 'page', file, open: () => createReadStream(file) }
    const page = await decodePageWith(decodeParquet)(body, { kind: 'file' }, folder)
    expect(page.signals).toMatchObject({
      rows: 2,
      columns: ['ward', 'note'],
      lastRow: { ward: '7', note: '' },
    })
    expect((await readDecoded(page)).rows).toEqual([
      ['07', null],
      ['7', ''],
    ])
  })
})
