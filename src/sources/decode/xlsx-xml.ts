import { SaxesParser } from 'saxes'
import { WardbookError } from '../../kernel/errors.js'
import type { PageBody } from './decoded-page.js'

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
  parser.on('error', (cause) => {
    throw workbookUnusable(part.name, cause.message, cause)
  })
  parser.on('opentag', ({ name, attributes }) =>
    listener.onOpen(local(name), attributes as Record<string, string>),
  )
  parser.on('text', (text) => listener.onText?.(text))
  parser.on('cdata', (text) => listener.onText?.(text))
  parser.on('closetag', ({ name }) => listener.onClose?.(local(name)))
  for await (const chunk of part.open()) {
    parser.write(decoder.decode(chunk, { stream: true }))
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
