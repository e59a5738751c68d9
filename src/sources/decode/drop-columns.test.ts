import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyChunking, joinChunks } from '../../../testkit/chunks.js'
import { bodyOf, readDecoded } from '../../../testkit/page-body.js'
import { decodeCsv } from './decode-csv.js'
import { decodeJson } from './decode-json.js'
import { CUT_ROW, dropColumns } from './drop-columns.js'

const SECRET = 'someone@example.org'

async function cutCsv(text: string, drops: readonly string[], sizes: number[] = [], delimiter?: string) {
  const page = await decodeCsv(bodyOf(text, sizes), {
    kind: 'file',
    ...(delimiter === undefined ? {} : { delimiter }),
  })
  const cut = dropColumns(page, drops)
  return { page: cut, text: (await joinChunks(cut.open())).toString() }
}

describe('dropping columns', () => {
  it('leaves all other cells as they are, whatever the chunks', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ';', '\n', ' ', 'é'), maxLength: 4 })
    const rows = fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
        anyChunking,
        async (table, drops, sizes) => {
          fc.pre(drops.length < 3)
          const quoted = (cells: readonly string[]) =>
            cells.map((text) => `"${text.replaceAll('"', '""')}"`).join(';')
          const text = [['a', 'b', 'c'], ...table].map(quoted).join('\r\n')
          const { page } = await cutCsv(text, drops, sizes, ';')
          const kept = [0, 1, 2].filter((at) => !drops.includes('abc'[at] as string))
          expect((await readDecoded(page)).rows).toEqual(table.map((cells) => kept.map((at) => cells[at])))
        },
      ),
    )
  })

  it('finds a column without case and outer blanks, also one that comes twice', async () => {
    const { page, text } = await cutCsv(`\ufeffid, Email ,EMAIL\n1,${SECRET},${SECRET}\n`, ['email'])
    expect([page.columns, page.form]).toEqual([['id'], 'native'])
    expect(text).toBe('id\n1\n')
  })

  it.each([
    ['unclosed', `1,"x,${SECRET}`],
    ['too short', `${SECRET},`],
    ['too long', `1,x,,${SECRET}`],
    ['no UTF-8', `1,x\xe9,${SECRET}`],
  ])('lets no text of a row out that is %s, and keeps it countable as a bad row', async (_fault, row) => {
    const bytes = Buffer.from(`id,name,email\n${row}\n2,y,${SECRET}\n`, 'latin1')
    const page = await decodeCsv(bodyOf(bytes), { kind: 'file', delimiter: ',' })
    const text = (await joinChunks(dropColumns(page, ['email']).open())).toString()
    expect(text).toBe(`id,name\n"${CUT_ROW}",,,\n2,y\n`)
  })

  it('keeps blank lines and cells without a value', async () => {
    const { text } = await cutCsv('id,name,email\n\n1,,x\n2,"",x\n', ['email'])
    expect(text).toBe('id,name\n\n1,\n2,""\n')
  })

  it('keeps a row of one column without a value, as an empty text', async () => {
    expect((await cutCsv('name;email\n;x\ny;x\n', ['email'], [], ';')).text).toBe('name\n""\ny\n')
  })

  it('gives the same page where there is none of them', async () => {
    const page = await decodeCsv(bodyOf('id,name\n1,a\n'), { kind: 'file' })
    expect(dropColumns(page, ['email'])).toBe(page)
  })

  it('holds for JSON, and for what its signals tell', async () => {
    const page = await decodeJson(bodyOf(`[{"id":1,"email":"${SECRET}","n":null}]`), {
      kind: 'json',
      rowsAt: [],
      cells: 'object',
    })
    const cut = dropColumns(page, ['email'])
    expect(await readDecoded(cut)).toEqual({ columns: ['id', 'n'], rows: [['1', null]] })
    expect([cut.form, cut.signals.rows, JSON.stringify(cut.signals).includes(SECRET)]).toEqual([
      'strict',
      1,
      false,
    ])
  })
})
