/** How chronyc writes the number that stands for the address of a source without one. */
export const placeText = (id: number): string => `ID#${String(id).padStart(10, '0')}`;
