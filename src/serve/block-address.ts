const HOUSE_NUMBER = /^(\d+)(?:\s*-\s*(\d+))?[a-z]?(?:\s+\d\/\d)?\s+(?=\S)/i
/** A publisher may have written the block already: '1200 block of N Main St', '1200 BLK N MAIN ST'. */
const ALREADY_BLOCK = /^(?:block|blk)\b\.?(?:\s+of\b)?\s*(?=\S)/i
const UNIT =
  /(?:\s|^)(?:#|(?:apt|apartment|unit|ste|suite|rm|room|fl|floor|bldg|lot|spc|space)\b\.?)\s*#?\s*[\w-]*.*$/i
const POSTCODE = /\s+\d{5}(?:-\d{4})?$/
const PRIVATE = /@|\b\d{3}[\s.-]\d{4}\b|\bc\/o\b/i // a mail address, a phone number, a person's letterbox
const NUMBERED_ROADS =
  /^(?:route|rte|rt|highway|hwy|interstate|i|us|sr|state|road|county|cr|avenue|ave|street|pier|exit|fm)$/i
const BLOCK = 100

/**
 * An address no finer than its block: '1234 N Main St Apt 5, 90012' becomes '1200 block of N Main St'.
 * House number rounded down to the hundred; unit, city and postcode dropped; an intersection stays as it is.
 * @returns null when nothing remains that is safe to show
 */
export function blockAddress(address: string | null): string | null {
  const line = firstLine(address ?? '')
  if (line === '' || PRIVATE.test(line)) return null
  const house = HOUSE_NUMBER.exec(line)
  if (house === null) return /^\d/.test(line) ? null : withoutTrailingNumber(line)
  const street = line.slice(house[0].length).replace(ALREADY_BLOCK, '').trim()
  const block = blockOf(house[1] ?? '', house[2])
  return block === undefined ? street : `${block} of ${street}`
}

function firstLine(address: string): string {
  const lines = address.split(/[,;\r\n]/).map((line) => line.replace(UNIT, '').trim().replace(/\s+/g, ' '))
  return (lines.find((line) => line !== '') ?? '').replace(POSTCODE, '').trim()
}

/** '1200-1210' is a range of houses. '31-45' may be one too, or house 45 of block 31, as in Queens: then no block is told. */
function blockOf(number: string, second: string | undefined): string | undefined {
  if (second !== undefined && second.length <= 2 && number.length <= 3) return undefined
  const hundred = Math.floor(Number(number) / BLOCK) * BLOCK
  return hundred === 0 ? 'first block' : `${hundred} block`
}

/** Where the house number follows the street it is dropped; a numbered road keeps its number. */
function withoutTrailingNumber(line: string): string | null {
  const words = line.split(' ')
  const last = words.at(-1) ?? ''
  const isNumberedRoad = NUMBERED_ROADS.test(words.at(-2) ?? '')
  if (!/^\d/.test(last) || isNumberedRoad || /^\d+(?:st|nd|rd|th)$/i.test(last)) return line
  return withoutTrailingNumber(words.slice(0, -1).join(' '))
}
