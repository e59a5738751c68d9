import type { Archive } from './archive.js'
import type { PageBody } from './decoded-page.js'
import { type NumberShape, shapeOf } from './xlsx-dates.js'
import { readXml, workbookUnusable } from './xlsx-xml.js'

/** Most characters of shared texts, which are kept in memory: a sheet of a million rows with a hundred of its own each. */
export const MAX_SHARED_CHARACTERS = 100_000_000

/** What a sheet needs of its workbook. */
export interface Book {
  readonly sheet: PageBody
  readonly sheetName: string
  readonly is1904: boolean
  /** Shapes of numbers by style number. */
  readonly shapes: readonly NumberShape[]
  readonly strings: readonly string[]
}

/**
 * Opens a sheet of a workbook.
 * @param wanted name, or number from 1; undefined: the first
 * @throws WardbookError 'workbook-unusable' (fix-source) when there is no such sheet; the sheets are listed
 */
export async function openBook(archive: Archive, wanted: string | number | undefined): Promise<Book> {
  const { sheets, is1904 } = await readSheets(archive)
  const at = typeof wanted === 'string' ? sheets.findIndex(({ name }) => name === wanted) : (wanted ?? 1) - 1
  const chosen = sheets[at]
  if (chosen === undefined) {
    const names = sheets.map(({ name }) => name).join(', ')
    throw workbookUnusable(
      archive.name,
      `it has no sheet ${JSON.stringify(wanted ?? 1)}, only ${names || 'none'}`,
    )
  }
  const target = (await readTargets(archive)).get(chosen.id)
  const sheet = target === undefined ? undefined : archive.member(target)
  if (sheet === undefined) throw workbookUnusable(archive.name, `the sheet ${chosen.name} is not in it`)
  const [shapes, strings] = [await readShapes(archive), await readStrings(archive)]
  return { sheet, sheetName: chosen.name, is1904, shapes, strings }
}

interface Sheets {
  readonly sheets: readonly { readonly name: string; readonly id: string }[]
  readonly is1904: boolean
}

async function readSheets(archive: Archive): Promise<Sheets> {
  const sheets: { name: string; id: string }[] = []
  let is1904 = false
  await readXml(archive.member('xl/workbook.xml') as PageBody, {
    onOpen: (name, attributes) => {
      if (name === 'workbookPr') is1904 = ['1', 'true'].includes(attributes.date1904 ?? '')
      if (name !== 'sheet') return
      const id = Object.entries(attributes).find(([key]) => key.endsWith(':id'))?.[1] ?? ''
      sheets.push({ name: attributes.name ?? '', id })
    },
  })
  return { sheets, is1904 }
}

/** Members by relation id. */
async function readTargets(archive: Archive): Promise<Map<string, string>> {
  const targets = new Map<string, string>()
  const part = archive.member('xl/_rels/workbook.xml.rels')
  if (part === undefined) throw workbookUnusable(archive.name, 'its list of sheets is missing')
  await readXml(part, {
    onOpen: (_name, { Id, Target }) => {
      if (Id !== undefined && Target !== undefined)
        targets.set(Id, Target.startsWith('/') ? Target.slice(1) : `xl/${Target.replace(/^\.\//, '')}`)
    },
  })
  return targets
}

async function readShapes(archive: Archive): Promise<NumberShape[]> {
  const shapes: NumberShape[] = []
  const codes = new Map<number, string>()
  let inCells = false
  const part = archive.member('xl/styles.xml')
  if (part === undefined) return shapes
  await readXml(part, {
    onOpen: (name, { numFmtId = '0', formatCode }) => {
      if (name === 'numFmt' && formatCode !== undefined) codes.set(Number(numFmtId), formatCode)
      if (name === 'cellXfs') inCells = true
      if (name === 'xf' && inCells) shapes.push(shapeOf(Number(numFmtId), codes.get(Number(numFmtId))))
    },
    onClose: (name) => {
      if (name === 'cellXfs') inCells = false
    },
  })
  return shapes
}

async function readStrings(archive: Archive): Promise<string[]> {
  const strings: string[] = []
  const part = archive.member('xl/sharedStrings.xml')
  if (part === undefined) return strings
  const text = new RichText()
  let characters = 0
  await readXml(part, {
    onOpen: (name) => text.open(name),
    onText: (piece) => text.take(piece),
    onClose: (name) => {
      text.close(name)
      if (name !== 'si') return
      const whole = text.whole()
      characters += whole.length
      if (characters > MAX_SHARED_CHARACTERS)
        throw workbookUnusable(
          archive.name,
          `its texts have more than ${MAX_SHARED_CHARACTERS} characters: publish it as CSV`,
        )
      strings.push(whole)
    },
  })
  return strings
}

/** Text of `<t>`, also in several runs; readings of Japanese (`<rPh>`) are left out. */
export class RichText {
  private pieces = ''
  private inText = false
  private inReading = false

  open(name: string): void {
    if (name === 't') this.inText = true
    else if (name === 'rPh') this.inReading = true
  }

  take(piece: string): void {
    if (this.inText && !this.inReading) this.pieces += piece
  }

  close(name: string): void {
    if (name === 't') this.inText = false
    else if (name === 'rPh') this.inReading = false
  }

  /** The text so far; the next begins empty. `_x000D_` and the like are the characters that they stand for. */
  whole(): string {
    const whole = this.pieces.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_all, code) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    )
    this.pieces = ''
    return whole
  }
}
