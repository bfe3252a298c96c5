"""Encrypted fields stay where they were put, keys can be changed, and the index tells nothing across shops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.kit.ids import new_id
from payme.runtime.security import BlindIndex, FieldCipher, Keyring, UnreadableField, derive_key

OLD, NEW = "ab" * 32, "cd" * 32
CIPHER = FieldCipher(Keyring.from_hex("k1", OLD))
SHOP, ROW = new_id(), new_id()
PLACE = {"table": "customers", "column": "phone", "business_id": SHOP, "row_id": ROW}
PHONE = "254712345678"


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert CIPHER.decrypt(CIPHER.encrypt(text, **PLACE), **PLACE) == text


def test_the_envelope_has_its_documented_form() -> None:
    envelope = CIPHER.encrypt(PHONE, **PLACE)
    assert envelope[:4] == b"\x01\x02k1"
    assert len(envelope) == 1 + 1 + 2 + 12 + len(PHONE) + 16
    assert PHONE.encode() not in envelope


@pytest.mark.parametrize(
    "elsewhere",
    [{"table": "users"}, {"column": "email"}, {"business_id": new_id()}, {"business_id": None}, {"row_id": new_id()}],
)
def test_a_value_moved_elsewhere_cannot_be_read(elsewhere: dict[str, object]) -> None:
    envelope = CIPHER.encrypt(PHONE, **PLACE)
    with pytest.raises(UnreadableField):
        CIPHER.decrypt(envelope, **{**PLACE, **elsewhere})


def test_parts_of_a_place_cannot_be_shifted_into_each_other() -> None:
    envelope = CIPHER.encrypt(PHONE, **{**PLACE, "table": "ab", "column": "c"})
    with pytest.raises(UnreadableField):
        CIPHER.decrypt(envelope, **{**PLACE, "table": "a", "column": "bc"})


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    envelope = CIPHER.encrypt(PHONE, **PLACE)
    for place in range(len(envelope)):
        for bit in range(8):
            changed = bytearray(envelope)
            changed[place] ^= 1 << bit
            with pytest.raises(UnreadableField):
                CIPHER.decrypt(bytes(changed), **PLACE)
        with pytest.raises(UnreadableField):
            CIPHER.decrypt(envelope[:place], **PLACE)


def test_what_is_refused_is_not_shown() -> None:
    envelope = CIPHER.encrypt(PHONE, **PLACE)
    with pytest.raises(UnreadableField) as caught:
        CIPHER.decrypt(envelope, **{**PLACE, "column": "email"})
    assert PHONE not in str(caught.value)
    assert OLD not in repr(Keyring.from_hex("k1", OLD))


def test_keys_change_and_old_values_stay_readable() -> None:
    envelope = CIPHER.encrypt(PHONE, **PLACE)
    rotated = FieldCipher(Keyring.from_hex("k2", NEW, previous={"k1": OLD}))
    assert rotated.decrypt(envelope, **PLACE) == PHONE
    assert not rotated.is_current(envelope)
    renewed = rotated.encrypt(PHONE, **PLACE)
    assert rotated.is_current(renewed)
    assert FieldCipher(Keyring.from_hex("k2", NEW)).decrypt(renewed, **PLACE) == PHONE
    with pytest.raises(UnreadableField, match="not in the settings"):
        FieldCipher(Keyring.from_hex("k2", NEW)).decrypt(envelope, **PLACE)
    with pytest.raises(UnreadableField):
        FieldCipher(Keyring.from_hex("k1", NEW)).decrypt(envelope, **PLACE)


def test_equal_values_look_different_and_nonces_do_not_repeat() -> None:
    assert len({CIPHER.encrypt(PHONE, **PLACE)[4:16] for _ in range(20_000)}) == 20_000


def test_keys_are_used_for_one_purpose_each() -> None:
    master = bytes.fromhex(OLD)
    assert len({derive_key(master, purpose) for purpose in ("field encryption", "blind index", "csrf")} | {master}) == 4


INDEX = BlindIndex(bytes.fromhex(OLD))
WHERE = {"table": "customers", "column": "phone", "business_id": SHOP}


def test_the_index_finds_equal_values_and_only_in_one_place() -> None:
    found = INDEX.fingerprint(PHONE, **WHERE)
    assert len(found) == 16
    assert INDEX.fingerprint(PHONE, **WHERE) == found
    others = [{"table": "users"}, {"column": "second_phone"}, {"business_id": new_id()}, {"business_id": None}]
    assert len({INDEX.fingerprint(PHONE, **{**WHERE, **other}) for other in others} | {found}) == 5
    assert BlindIndex(bytes.fromhex(NEW)).fingerprint(PHONE, **WHERE) != found


def test_the_index_sees_through_case_width_and_spaces() -> None:
    assert INDEX.fingerprint(" Wanjiku@Example.co.ke", **WHERE) == INDEX.fingerprint("wanjiku@example.CO.KE ", **WHERE)
    assert INDEX.fingerprint("２５４", **WHERE) == INDEX.fingerprint("254", **WHERE)  # noqa: RUF001 -- full-width digits are meant
