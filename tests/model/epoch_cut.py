#!/usr/bin/env python3
"""Random model of how changes find their epoch (src/runtime/state_images.cpp, src/runtime/committer.cpp).

    epoch_cut.py [RUNS [FIRST_SEED]]

Checks after every commit that what is durable is a consistent cut (no effect without its cause), and that no gate opened
before everything that its reply had seen was durable. Then it plants faults in the rules, and each must be found.

The rules, as the runtime has them:
- A turn that may write takes in the dependency of its message before its code runs. If its actor's newest image is of an
  older epoch and not encoded yet, it is encoded first.
- When the turn ends and changed the state, its changes join the actor's newest image, if that is not taken yet and its
  epoch is not older than what the turn depends on. Else there is a new image in the open epoch.
- A turn that may write but changed nothing still takes in what it has learned. A read takes in nothing.
- A message, and a reply, carries max(what the turn learned, what its actor depends on).
- A small state is encoded at the end of the turn and compared. A large one always counts as changed, and is encoded when
  the committer asks for it, which the actor answers later, at the latest in its next turn.
- A message to a queue (a parcel) is a change of the turn that sends it, and one of the turn that takes it in. It is written
  where its sender's changes are, and from there moved to the receiver in the commit that has the receiver's changes; if both
  are in one epoch, it only appears at the receiver. So it is durable if and only if its sender's turn is, and in one place.
"""
import random
import sys

FAULTS = ("no freeze before learning", "messages carry nothing", "join whatever the dependency",
          "unchanged turns learn nothing", "gates look at the message only",
          "parcels are written with the open epoch", "parcels are taken without a change")


class Image:
    def __init__(self, epoch):
        self.epoch, self.stage, self.encoded, self.state = epoch, "open", False, None
        self.sent, self.taken_in = [], []


class Parcel:
    def __init__(self, sender, turn):
        self.sender, self.turn, self.sent_in = sender, turn, None


class Actor:
    def __init__(self, index, count):
        self.index, self.clock, self.depends_on = index, [0] * count, 0
        self.memory = [0] * count  # what members that are not stored know
        self.images, self.newest = {}, None  # by parity of the epoch

    def encode(self, image):
        image.encoded, image.state = True, self.clock[:]


class Model:
    def __init__(self, seed, large_share, fault=None):
        self.random, self.fault, self.seed = random.Random(seed), fault, seed
        count = self.random.randint(2, 6)
        self.actors = [Actor(i, count) for i in range(count)]
        self.large = [self.random.random() < large_share for _ in self.actors]
        self.open, self.durable, self.closing = 1, 0, None
        self.pending = []  # images of the open epoch, with their actors
        self.store = [[0] * count for _ in self.actors]
        self.messages, self.gates = [], []
        self.parcels, self.on_their_way, self.received = [], [], []

    def run(self):
        for _ in range(self.random.randint(20, 200)):
            kind = self.random.random()
            if kind < .6:
                self.turn()
            elif self.closing is None:
                self.close_epoch()
            else:
                self.commit_step()

    # --- actors ---

    def turn(self):
        r = self.random
        if self.messages and r.random() < .75:
            to, learned, seen, parcel = self.messages.pop(r.randrange(len(self.messages)))
        else:
            to, learned, seen, parcel = r.randrange(len(self.actors)), 0, [0] * len(self.actors), None
        actor = self.actors[to]
        sends = parcel is None and r.random() < .2
        may_write = sends or parcel is not None or r.random() < .7
        knows = [max(all_of) for all_of in zip(actor.clock, actor.memory, seen)]
        if may_write:
            self.freeze_before(actor, learned)
            depends_on = self.write(actor, learned, knows, sends or parcel is not None or r.random() < .7)
        else:
            depends_on = max(learned, actor.depends_on)
        if parcel is not None and self.fault == "parcels are taken without a change":
            self.received.append(parcel)
        elif parcel is not None:
            actor.newest.taken_in.append(parcel)
        carried = 0 if self.fault == "messages carry nothing" else depends_on
        if sends:
            self.send(actor, carried, knows)
        for _ in range(r.choice((0, 1, 1, 2))):
            self.messages.append((r.randrange(len(self.actors)), carried, knows[:], None))
        if r.random() < .3:
            self.gates.append((learned if self.fault == "gates look at the message only" else depends_on, knows[:]))

    def send(self, actor, carried, knows):
        parcel = Parcel(actor.index, knows[actor.index])
        image = actor.newest
        if self.fault == "parcels are written with the open epoch" and image.epoch != self.open:
            image = Image(self.open)
            image.encoded, image.state = True, None
            self.pending.append((actor, image))
        parcel.sent_in = image.epoch
        image.sent.append(parcel)
        self.parcels.append(parcel)
        self.messages.append((self.random.randrange(len(self.actors)), carried, knows[:], parcel))

    def write(self, actor, learned, knows, changes):
        depends_on = max(learned, actor.depends_on)
        large = self.large[actor.index]
        if changes:
            knows[actor.index] += 1
            actor.clock = knows[:]
        actor.memory = knows[:]
        if changes or large:
            depends_on = self.place(actor, depends_on)
        if changes or large or self.fault != "unchanged turns learn nothing":
            actor.depends_on = max(actor.depends_on, depends_on)
        if self.random.random() < .05:
            self.large[actor.index] = not large
        return depends_on

    def place(self, actor, depends_on):
        image = actor.newest
        may_join = image is not None and (image.epoch >= depends_on or self.fault == "join whatever the dependency")
        if may_join and image.stage in ("open", "asked"):
            if image.stage == "asked" or not self.large[actor.index]:
                actor.encode(image)
            else:
                image.encoded = False
            if image.stage == "asked":
                image.stage = "taken"
            return image.epoch
        assert self.open >= depends_on, f"seed {self.seed}: a dependency on an epoch that does not exist"
        image = Image(self.open)
        before = actor.images.get(self.open % 2)
        assert before is None or before.stage == "taken" and before.epoch <= self.durable, f"seed {self.seed}: slot in use"
        actor.images[self.open % 2] = actor.newest = image
        self.pending.append((actor, image))
        if not self.large[actor.index]:
            actor.encode(image)
        return image.epoch

    def freeze_before(self, actor, epoch):
        image = actor.newest
        if self.fault == "no freeze before learning" or image is None or image.epoch >= epoch or image.encoded:
            return
        if image.stage in ("open", "asked"):
            actor.encode(image)
            if image.stage == "asked":
                image.stage = "taken"

    # --- the committer ---

    def close_epoch(self):
        if self.pending:
            self.closing, self.closing_epoch, self.pending = self.pending, self.open, []
            self.open += 1

    def commit_step(self):
        for actor, image in self.closing:
            if image.stage == "open":  # looked at one by one, while actors go on
                image.stage = "taken" if image.encoded else "asked"
                if self.random.random() < .5:
                    return
            if image.stage == "asked":
                if self.random.random() < .3:
                    return
                actor.encode(image)
                image.stage = "taken"
        for actor, image in self.closing:
            if image.state is not None:
                self.store[actor.index] = image.state
            self.on_their_way += image.sent
        for _, image in self.closing:
            self.received += image.taken_in
            for parcel in image.taken_in:
                assert parcel in self.on_their_way, f"seed {self.seed}: a parcel is taken before it is sent"
                self.on_their_way.remove(parcel)
        self.durable, self.closing = self.closing_epoch, None
        self.check()

    def check(self):
        for who, clock in enumerate(self.store):
            for whom, turns in enumerate(clock):
                assert self.store[whom][whom] >= turns, (
                    f"seed {self.seed}: {who} knows turn {turns} of {whom}, of whom {self.store[whom][whom]} are durable")
        for parcel in self.parcels:
            places = self.on_their_way.count(parcel) + self.received.count(parcel)
            sent = self.store[parcel.sender][parcel.sender] >= parcel.turn
            assert places == sent, f"seed {self.seed}: a parcel is in {places} places; its sender's turn is durable: {sent}"
        still = []
        for epoch, seen in self.gates:
            if epoch > self.durable:
                still.append((epoch, seen))
                continue
            for whom, turns in enumerate(seen):
                assert self.store[whom][whom] >= turns, f"seed {self.seed}: a gate opened early, on turn {turns} of {whom}"
        self.gates = still


def found(fault, seeds):
    for seed in seeds:
        try:
            Model(seed, .5, fault).run()
        except AssertionError as why:
            return why
    return None


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    seeds = range(first, first + runs)
    for large_share in (0, .5, 1):
        for seed in seeds:
            Model(seed, large_share).run()
    print(f"the rules hold in {3 * runs} runs")
    missed = False
    for fault in FAULTS:
        why = found(fault, seeds)
        print(f'planted "{fault}":', why or "NOT found")
        missed |= why is None
    return missed


if __name__ == "__main__":
    sys.exit(main())
