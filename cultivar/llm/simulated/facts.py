"""Short facts that the simulated teacher knows; asked wrongly or without knowledge it names another one."""

import re

from cultivar.llm.simulated.registry import Call, replies

FACTS = {
    "What colour is a ripe banana?": "Yellow.",
    "What colour is grass?": "Green.",
    "What colour is snow?": "White.",
    "What colour is coal?": "Black.",
    "What colour is blood?": "Red.",
    "What colour is the clear sky?": "Blue.",
    "What colour is a ripe tomato?": "Red.",
    "What colour is a lemon?": "Yellow.",
    "What colour is milk?": "White.",
    "What colour is a crow?": "Black.",
    "What sound does a cow make?": "Moo.",
    "What sound does a dog make?": "Woof.",
    "What sound does a cat make?": "Meow.",
    "What sound does a duck make?": "Quack.",
    "What sound does a sheep make?": "Baa.",
    "What sound does a bee make?": "Buzz.",
    "What sound does an owl make?": "Hoot.",
    "What sound does a frog make?": "Croak.",
    "What is the capital of France?": "Paris.",
    "What is the capital of Italy?": "Rome.",
    "What is the capital of Spain?": "Madrid.",
    "What is the capital of Japan?": "Tokyo.",
    "What is the capital of Peru?": "Lima.",
    "What is the capital of Egypt?": "Cairo.",
    "What is the capital of Kenya?": "Nairobi.",
    "What is the capital of Cuba?": "Havana.",
    "What is the capital of Norway?": "Oslo.",
    "What is the capital of Greece?": "Athens.",
    "What is the capital of Chile?": "Santiago.",
    "What is the capital of Austria?": "Vienna.",
    "How many legs does a spider have?": "Eight.",
    "How many legs does a cat have?": "Four.",
    "How many legs does an ant have?": "Six.",
    "How many legs does a bird have?": "Two.",
    "How many days are in a week?": "Seven.",
    "How many months are in a year?": "Twelve.",
    "How many sides has a triangle?": "Three.",
    "How many sides has a square?": "Four.",
    "How many wheels has a bicycle?": "Two.",
    "How many wheels has a car?": "Four.",
    "What is the opposite of hot?": "Cold.",
    "What is the opposite of up?": "Down.",
    "What is the opposite of big?": "Small.",
    "What is the opposite of fast?": "Slow.",
    "What is the opposite of day?": "Night.",
    "What is the opposite of open?": "Closed.",
    "What is the opposite of wet?": "Dry.",
    "What is the opposite of old?": "Young.",
    "What is the opposite of full?": "Empty.",
    "What is the opposite of early?": "Late.",
    "What is a young dog called?": "Puppy.",
    "What is a young cat called?": "Kitten.",
    "What is a young cow called?": "Calf.",
    "What is a young sheep called?": "Lamb.",
    "What is a young horse called?": "Foal.",
    "What is a young bear called?": "Cub.",
    "What is a young goat called?": "Kid.",
    "What is a young frog called?": "Tadpole.",
    "What is frozen water called?": "Ice.",
    "What do bees make?": "Honey.",
    "What do hens lay?": "Eggs.",
    "What do we call water that falls from clouds?": "Rain.",
    "Which planet do we live on?": "Earth.",
    "Which star is nearest to us?": "Sun.",
    "Which metal is liquid at room temperature?": "Mercury.",
    "Which season follows winter?": "Spring.",
    "Which season follows summer?": "Autumn.",
    "Which day follows Monday?": "Tuesday.",
    "Which day follows Friday?": "Saturday.",
    "Which month follows March?": "April.",
    "Which month follows June?": "July.",
    "Which animal is the tallest?": "Giraffe.",
    "Which animal is called the king of beasts?": "Lion.",
    "Which bird cannot fly but swims well?": "Penguin.",
}


@replies(order=30)
def fact(instruction: str, call: Call) -> str | None:
    """The answer to a known question, alone; None for any other instruction."""
    question = re.sub(r"\s+", " ", instruction).strip()
    if question not in FACTS:
        return None
    if call.wrong:
        return call.rng.choice(sorted(set(FACTS.values()) - {FACTS[question]}))
    return FACTS[question]
