/**
 * The elements of a JSON list as the texts that were sent: numbers keep their characters.
 * @throws SyntaxError when the text is no JSON list
 */
export function rawElements(text: string): readonly string[] {
  if (!Array.isArray(JSON.parse(text))) throw new SyntaxError('not a list')
  const marks = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},]/gs
  const elements: string[] = []
  let depth = 0
  let start = 0
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    const [token] = mark
    if (token === '[' || token === '{') depth += 1
    if (depth === 1 && token === '[') start = mark.index + 1
    const isEnd = depth === 1 && (token === ',' || token === ']')
    if (isEnd) {
      const element = text.slice(start, mark.index).trim()
      if (element !== '') elements.push(element)
      start = mark.index + 1
    }
    if (token === ']' || token === '}') depth -= 1
  }
  return elements
}
