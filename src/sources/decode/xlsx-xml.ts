import { SaxesParser } from 'saxes'
import { WardbookError } from '../../kernel/errors.js'
import type { PageBody } from './decoded-page.js'

/** Longest text, attribute or comment in characters: a parser keeps it whole before anybody hears of it. */
export const MAX_TEXT_CHARACTERS = 4 * 1024 * 1024

/** Who listens to a part of a workbook; names are without prefix. */
export interface XmlListener {
  onOpen(name: string, attributes: Readonly<Record<string, string>>): void
  onText?(text: string): void
  onClose?(name: string): void
}

/**
 * Reads a part of a workbook as a stream. After each piece, the listener has heard everything in it.
 * @throws WardbookError 'workbook-unusable' (fix-source) where the part is no XML, with its place
 */
export async function* xmlPieces(part: PageBody, listener: XmlListener): AsyncIterable<void> {
  const parser = new SaxesParser()
  const decoder = new TextDecoder('utf-8')
  let unheard = 0
  parser.on('error', (cause) => {
    throw workbookUnusable(part.name, cause.message, cause)
  })
  parser.on('opentag', ({ name, attributes }) => {
    unheard = 0
    listener.onOpen(local(name), attributes as Record<string, string>)
  })
  parser.on('text', (text) => listener.onText?.(text))
  parser.on('cdata', (text) => listener.onText?.(text))
  parser.on('closetag', ({ name }) => {
    unheard = 0
    listener.onClose?.(local(name))
  })
  for await (const chunk of part.open()) {
    unheard += chunk.length
    parser.write(decoder.decode(chunk, { stream: true }))
    if (unheard > MAX_TEXT_CHARACTERS)
      throw workbookUnusable(part.name, `a text longer than ${MAX_TEXT_CHARACTERS} characters`)
    yield
  }
  parser.close()
}

/** Reads a part to its end. */
export async function readXml(part: PageBody, listener: XmlListener): Promise<void> {
  for await (const _piece of xmlPieces(part, listener));
}

/** A workbook that cannot be read, and why. */
export function workbookUnusable(file: string, why: string, cause?: unknown): WardbookError {
  const message = `${file} is a workbook that cannot be read: ${why}`
  return new WardbookError('workbook-unusable', 'fix-source', message, { file }, { cause })
}

function local(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
